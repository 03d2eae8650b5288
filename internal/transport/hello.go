package transport

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"

	"berth/internal/pki"
	"berth/structs"
)

// hello is the first thing the dialling side says inside TLS.
type hello struct {
	ID     structs.ID
	Role   pki.Role
	Region string
	Addr   string `json:",omitempty"`
}

// greeting answers a hello: who this is, or why not.
type greeting struct {
	ID      structs.ID
	Region  string            `json:",omitempty"`
	Addr    string            `json:",omitempty"`
	Refused string            `json:",omitempty"`
	Hint    string            `json:",omitempty"`
	Kind    structs.ErrorKind `json:",omitempty"`
}

// maxFrame bounds a hello and a greeting, maxRequestFrame a join request and maxJoinFrame its answer, in bytes.
const (
	maxFrame        = 4 << 10
	maxRequestFrame = 128 << 10
	maxJoinFrame    = 512 << 10
)

// writeFrame sends a value as JSON behind its length.
func writeFrame(w io.Writer, v any, limit int) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode a frame: %w", err)
	}
	if len(b) > limit {
		return fmt.Errorf("a frame of %d bytes; at most %d are sent", len(b), limit)
	}
	out := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(b)), uint32(len(b)))
	_, err = w.Write(append(out, b...))
	return err
}

// readFrame reads what writeFrame sent. It takes memory only for what has arrived.
func readFrame(r io.Reader, v any, limit int) error {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > uint32(limit) {
		return fmt.Errorf("a frame of %d bytes; at most %d are read", n, limit)
	}
	b, err := io.ReadAll(io.LimitReader(r, int64(n)))
	if err != nil {
		return err
	}
	if len(b) != int(n) {
		return io.ErrUnexpectedEOF
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("read a frame: %w", err)
	}
	return nil
}

// refusal turns a greeting that refuses into an error.
func (g greeting) refusal() error {
	if g.Refused == "" {
		return nil
	}
	return &structs.Error{Kind: g.Kind, Err: fmt.Errorf("refused by the other side: %s", g.Refused), Hint: g.Hint}
}
