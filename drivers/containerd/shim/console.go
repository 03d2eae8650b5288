package shim

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/containerd/fifo"
	"github.com/containerd/log"
	"golang.org/x/sys/unix"
)

// appendFrom makes a FIFO whose content is appended to the file until its writers are gone. Why: upstream opens a
// terminal's output without O_APPEND, and would write over what is there.
func appendFrom(name, file string) (string, error) {
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return "", fmt.Errorf("open the output of the terminal: %w", err)
	}
	in, err := fifo.OpenFifo(context.Background(), name, unix.O_CREAT|unix.O_RDONLY|unix.O_NONBLOCK, 0o600)
	if err != nil {
		out.Close()
		return "", fmt.Errorf("make the terminal's fifo: %w", err)
	}
	go func() {
		defer out.Close()
		defer in.Close()
		if _, err := io.Copy(out, in); err != nil {
			log.L.WithError(err).Warn("copy the output of the terminal")
		}
	}()
	return name, nil
}
