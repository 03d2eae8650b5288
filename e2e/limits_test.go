package e2e

import (
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// A leader that has no file descriptor left goes on leading, or another does; it answers again when there are some, without a restart.
func TestAServerWithoutFileDescriptors(t *testing.T) {
	w := newTown(t, 3)
	w.keepDead = true
	w.form()
	w.join(2, "server")
	w.join(3, "server")
	lead := w.voters(3)
	a := w.agents[lead-1]
	fds, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(a.Pid()), "fd"))
	if err != nil {
		t.Fatal(err)
	}
	var before unix.Rlimit
	few := unix.Rlimit{Cur: uint64(len(fds) + 8), Max: 1 << 16}
	if err := unix.Prlimit(a.Pid(), unix.RLIMIT_NOFILE, nil, &before); err != nil {
		t.Fatal(err)
	}
	few.Max = before.Max
	if err := unix.Prlimit(a.Pid(), unix.RLIMIT_NOFILE, &few, nil); err != nil {
		t.Fatal(err)
	}
	var idle []net.Conn
	defer func() {
		for _, c := range idle {
			_ = c.Close() // the server may have done that
		}
	}()
	for range 60 {
		c, err := w.lan.Hosts[lead-1].Dial(w.ctx, "tcp", "127.0.0.1:4646")
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, c)
	}
	w.until("it has none left", func() bool {
		open, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(a.Pid()), "fd"))
		return err == nil && uint64(len(open)) >= few.Cur
	})
	other := lead%3 + 1
	for i := range 20 {
		name := "without-" + strconv.Itoa(i)
		w.until(name+" is taken", func() bool { return w.put(other, name) == nil })
	}
	if !a.Running() {
		t.Fatal("the server ended")
	}
	var errs []error
	for _, c := range idle {
		errs = append(errs, c.Close())
	}
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	idle = nil
	w.until("it answers again", func() bool { return w.names(lead)["without-19"] })
	if err := unix.Prlimit(a.Pid(), unix.RLIMIT_NOFILE, &before, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := a.API.Call(w.ctx, http.MethodPut, "/v1/namespace", map[string]string{"Name": "after"}, nil); err != nil {
		t.Error(err)
	}
}
