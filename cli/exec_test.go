package cli

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestExecOnATerminal checks that keys are passed on as they are, that the size is told, and that the terminal is put back.
func TestExecOnATerminal(t *testing.T) {
	keys, terminal := openTerminal(t)
	before := termios(t, terminal)
	route := "GET /v1/client/allocation/" + allocOne.String() + "/exec"
	f := newFake(t, allocRoutes(map[string]any{route: typist(t, keys, terminal)}))
	t.Setenv("NOMAD_ADDR", f.URL)
	var out, errs bytes.Buffer
	if code := Main([]string{"alloc", "exec", "c0", "sh"}, terminal, &out, &errs); code != 3 {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
	if after := termios(t, terminal); after != before {
		t.Errorf("the terminal was %+v and is %+v", before, after)
	}
	if !strings.Contains(out.String(), "24x80") || !strings.Contains(out.String(), "\x03") {
		t.Errorf("%q", out.String())
	}
	if asked := strings.Join(f.requests(), "\n"); !strings.Contains(asked, "tty=true") {
		t.Error(asked)
	}
}

func termios(t *testing.T, f *os.File) unix.Termios {
	t.Helper()
	v, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *v
}

// openTerminal makes a terminal of 24 by 80 characters, and the end of it where keys are typed (pts(4)).
func openTerminal(t *testing.T) (keys, terminal *os.File) {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keys.Close() })
	fd := int(keys.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	}
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return keys, terminal
}
