package cluster

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"

	"berth/e2e/harness"
)

// apiAddr is where every machine's agent answers its API.
const apiAddr = "127.0.0.1:4646"

// caller is one kept connection that asks one thing after the other, without goroutines of its own: it shares the processors with
// the servers, and what it costs is not theirs.
type caller struct {
	conn net.Conn
	in   *bufio.Reader
	out  []byte
	body bytes.Buffer
	zip  gzip.Reader
}

func dial(ctx context.Context, h *harness.Host) (*caller, error) {
	conn, err := h.Dial(ctx, "tcp", apiAddr)
	if err != nil {
		return nil, err
	}
	return &caller{conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}, nil
}

func (c *caller) close() { _ = c.conn.Close() } // nothing is on its way any more

// ask sends a request and reads its answer; the text is valid until the next request. An answer other than 200 is an error.
func (c *caller) ask(method, path, body string, zip bool) (text []byte, index uint64, err error) {
	c.out = append(append(append(append(c.out[:0], method...), ' '), path...), " HTTP/1.1\r\nHost: "+apiAddr+"\r\n"...)
	if zip {
		c.out = append(c.out, "Accept-Encoding: gzip\r\n"...)
	}
	if body != "" {
		c.out = strconv.AppendInt(append(c.out, "Content-Type: application/json\r\nContent-Length: "...), int64(len(body)), 10)
		c.out = append(c.out, "\r\n"...)
	}
	c.out = append(append(c.out, "\r\n"...), body...)
	if _, err := c.conn.Write(c.out); err != nil {
		return nil, 0, err
	}
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return nil, 0, err
	}
	c.body.Reset()
	_, err = c.body.ReadFrom(resp.Body)
	if err == nil {
		err = resp.Body.Close()
	}
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %d %s", method, path, resp.StatusCode, c.body.Bytes())
	}
	if err != nil {
		return nil, 0, err
	}
	index, _ = strconv.ParseUint(resp.Header.Get("X-Nomad-Index"), 10, 64) // not every answer has one
	return c.body.Bytes(), index, nil
}

// unzipped reads a compressed answer to its end, with the memory of the one before.
func (c *caller) unzipped(text []byte) error {
	if err := c.zip.Reset(bytes.NewReader(text)); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, &c.zip)
	return err
}
