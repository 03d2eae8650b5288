package atrest

import (
	"bufio"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A sealed stream is the mark, the salt, and chunks: each chunkBytes of data and a tag, the last one shorter or empty. A chunk's nonce is its number,
// and says whether it is the last: what was cut off at a chunk's end is told.
const (
	streamMark  = "\xc1BSS1"
	chunkBytes  = 64 << 10
	streamHead  = len(streamMark) + saltBytes
	sealedChunk = chunkBytes + tagBytes
)

// Writer encrypts a stream. Close writes its end and leaves the writer below open.
type Writer struct {
	w      io.Writer
	c      cipher.AEAD
	buf    []byte
	number uint64
	err    error
}

// NewWriter begins a stream.
func NewWriter(w io.Writer, key *Key) (*Writer, error) {
	head := append(make([]byte, 0, streamHead), streamMark...)
	head = head[:streamHead]
	if _, err := rand.Read(head[len(streamMark):]); err != nil {
		return nil, fmt.Errorf("draw a salt: %w", err)
	}
	c, err := key.derive(head[len(streamMark):], "stream")
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(head); err != nil {
		return nil, err
	}
	return &Writer{w: w, c: c, buf: make([]byte, 0, chunkBytes)}, nil
}

func chunkNonce(number uint64, last bool) []byte {
	n := make([]byte, 12)
	binary.BigEndian.PutUint64(n, number)
	if last {
		n[11] = 1
	}
	return n
}

// Write implements io.Writer.
func (s *Writer) Write(p []byte) (int, error) {
	done := 0
	for len(p) > 0 && s.err == nil {
		if len(s.buf) == chunkBytes {
			s.flush(false)
			continue
		}
		n := copy(s.buf[len(s.buf):chunkBytes], p)
		s.buf = s.buf[:len(s.buf)+n]
		p, done = p[n:], done+n
	}
	return done, s.err
}

func (s *Writer) flush(last bool) {
	_, s.err = s.w.Write(s.c.Seal(nil, chunkNonce(s.number, last), s.buf, nil))
	s.number++
	s.buf = s.buf[:0]
}

// Close writes the last chunk.
func (s *Writer) Close() error {
	if s.err == nil {
		s.flush(true)
	}
	err := s.err
	if s.err == nil {
		s.err = errors.New("write to a stream that was ended")
	}
	return err
}

// PlainSize is how long the data of a sealed stream of a length is; false when no stream has it.
func PlainSize(sealed int64) (int64, bool) {
	rest := sealed - int64(streamHead)
	if rest < tagBytes {
		return 0, false
	}
	chunks := (rest + sealedChunk - 1) / sealedChunk
	plain := rest - chunks*tagBytes
	return plain, plain >= (chunks-1)*chunkBytes
}

// IsStream reads the first bytes and reports whether they begin a sealed stream. The reader gives everything, those bytes too.
func IsStream(r io.Reader) (bool, io.Reader, error) {
	b := bufio.NewReaderSize(r, sealedChunk+1)
	head, err := b.Peek(len(streamMark))
	if err != nil && !errors.Is(err, io.EOF) {
		return false, b, err
	}
	return string(head) == streamMark, b, nil
}

// NewReader decrypts a stream. What it gives was checked; a stream that is cut off ends with an error.
func NewReader(r io.Reader, key *Key) (io.Reader, error) {
	head := make([]byte, streamHead)
	if _, err := io.ReadFull(r, head); err != nil || string(head[:len(streamMark)]) != streamMark {
		return nil, ErrSealed
	}
	c, err := key.derive(head[len(streamMark):], "stream")
	if err != nil {
		return nil, err
	}
	return &reader{r: bufio.NewReaderSize(r, sealedChunk+1), c: c, chunk: make([]byte, sealedChunk)}, nil
}

type reader struct {
	r      *bufio.Reader
	c      cipher.AEAD
	chunk  []byte
	plain  []byte
	number uint64
	err    error
}

// Read implements io.Reader.
func (s *reader) Read(p []byte) (int, error) {
	for len(s.plain) == 0 && s.err == nil {
		s.next()
	}
	if len(s.plain) == 0 {
		return 0, s.err
	}
	n := copy(p, s.plain)
	s.plain = s.plain[n:]
	return n, nil
}

func (s *reader) next() {
	n, err := io.ReadFull(s.r, s.chunk)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		s.err = err
		return
	}
	last := n < sealedChunk
	if !last {
		_, err := s.r.Peek(1)
		last = errors.Is(err, io.EOF)
	}
	plain, err := s.c.Open(s.chunk[:0], chunkNonce(s.number, last), s.chunk[:n], nil)
	if err != nil {
		s.err = ErrSealed
		return
	}
	s.number++
	s.plain = plain
	if last {
		s.err = io.EOF
	}
}
