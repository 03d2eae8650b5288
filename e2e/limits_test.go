package e2e

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"berth/e2e/harness"
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
		w.write(other, name)
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
	w.write(lead, "after")
}

// The cluster port has as many connections of one address as its configuration allows, gives them the time it says, and has room for the
// address again when they have ended.
func TestTheClusterPortKeepsTheLimitsItIsTold(t *testing.T) {
	const allowed, wait, more = 20, 20, 5 // as many as are allowed wait for a second
	w := newTown(t, 2)
	w.extra = "limits {\n  rpc_handshake_timeout = \"0s\"\n  rpc_max_conns_per_client = 20\n}\n"
	w.form()
	var ended atomic.Int32
	var conns []net.Conn
	done := make(chan struct{}, allowed+wait+more)
	for range cap(done) {
		c, err := w.lan.Hosts[1].Dial(w.ctx, "tcp", harness.Addr(1)+":4647")
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
		go func() {
			_, _ = c.Read(make([]byte, 1))
			ended.Add(1)
			done <- struct{}{}
		}()
	}
	w.until("those above the limit were closed", func() bool { return ended.Load() >= wait+more })
	if n := ended.Load(); n != wait+more {
		t.Errorf("%d of %d connections were closed, %d may stay", n, len(conns), allowed)
	}
	for _, c := range conns {
		_ = c.Close() // most are
	}
	for range conns {
		<-done
	}
	w.join(2, "server")
	w.voters(2)
}
