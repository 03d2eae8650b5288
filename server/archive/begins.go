package archive

import (
	"bufio"
	"errors"
	"io"
)

// begins looks at the first bytes. The reader given gives everything, those bytes too.
func begins(r io.Reader, with string) (bool, io.Reader, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	head, err := b.Peek(len(with))
	if err != nil && !errors.Is(err, io.EOF) {
		return false, b, err
	}
	return string(head) == with, b, nil
}

// IsArchive reports whether what is read begins as an archive does, and not as the bare state does.
func IsArchive(r io.Reader) (bool, io.Reader, error) { return begins(r, "\x1f\x8b") }
