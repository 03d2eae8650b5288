package harness_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"berth/e2e/harness"

	"golang.org/x/sys/unix"
)

func scope(t *testing.T) harness.Scope {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make network namespaces")
	}
	dir := t.TempDir()
	host, err := harness.NewHost(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { host.Close() })
	return harness.Scope{Host: host, Dir: dir, Cgroup: "berth-harness-test-" + filepath.Base(dir) + ".slice", Bridge: "bharness"}
}

func traces(t *testing.T, s harness.Scope) string {
	t.Helper()
	found, err := harness.Traces(s)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(found, "\n")
}

func TestTracesSeeWhatAnAgentCouldLeaveAndSweepRemovesIt(t *testing.T) {
	s := scope(t)
	if found := traces(t, s); found != "" {
		t.Fatalf("an unused machine shows %s", found)
	}
	sleep := exec.Command("/bin/sh", "-c", "while :; do sleep 1000; done", s.Dir)
	sleep.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Kill(-sleep.Process.Pid, unix.SIGKILL) })
	mount := filepath.Join(s.Dir, "rootfs")
	if err := os.Mkdir(mount, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", mount, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(mount, unix.MNT_DETACH) })
	for _, args := range [][]string{{"ip", "link", "add", "left0", "type", "bridge"}, {"nft", "add", "table", "inet", "left"}} {
		if _, err := s.Host.Output(args[0], args[1:]...); err != nil {
			t.Fatal(err)
		}
	}
	found := traces(t, s)
	for _, want := range []string{"process ", "mount " + mount, "interface left0", "table inet left"} {
		if !strings.Contains(found, want) {
			t.Errorf("%q is not seen:\n%s", want, found)
		}
	}
	if err := harness.Sweep(s); err != nil {
		t.Error(err)
	}
	sleep.Wait()
	found = traces(t, s)
	if strings.Contains(found, "process") || strings.Contains(found, "mount") {
		t.Errorf("after the sweep there is still\n%s", found)
	}
}

func TestAHostHasANetworkOfItsOwn(t *testing.T) {
	s := scope(t)
	l, err := s.Host.Listen("127.0.0.1:4646")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err == nil {
			io.WriteString(c, "inside")
			c.Close()
		}
	}()
	c, err := s.Host.Dial(context.Background(), "tcp", "127.0.0.1:4646")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(c)
	if string(text) != "inside" {
		t.Errorf("read %q", text)
	}
	if c, err := net.Dial("tcp", "127.0.0.1:4646"); err == nil {
		c.Close()
		t.Error("the port is seen outside its machine")
	}
}

// A bad cable does what it is told to frames in both directions, and a mended one carries them as before.
func TestABadLineLosesDoublesAndDelays(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make network namespaces")
	}
	lan, err := harness.NewLAN(t.TempDir(), 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lan.Close(); err != nil {
			t.Error(err)
		}
	})
	at := func(i int) *net.UDPConn {
		var c *net.UDPConn
		if err := lan.Hosts[i-1].Run(func() (err error) {
			c, err = net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(harness.Addr(i)), Port: 7})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	ends := []*net.UDPConn{at(1), at(2)}
	send := func(from int, text string) {
		t.Helper()
		to := 1 - from
		if _, err := ends[from].WriteTo([]byte(text), ends[to].LocalAddr()); err != nil {
			t.Fatal(err)
		}
	}
	next := func(to int) string {
		t.Helper()
		buf := make([]byte, 2000)
		if err := ends[to].SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		n, err := ends[to].Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
	spoil := func(line harness.Line) *harness.BadLine {
		t.Helper()
		b, err := lan.Spoil(2, line)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	mend := func(b *harness.BadLine) {
		t.Helper()
		if err := b.Mend(); err != nil {
			t.Fatal(err)
		}
	}
	send(0, "good") // the machines know each other's addresses from here on
	if got := next(1); got != "good" {
		t.Fatalf("%q", got)
	}

	b := spoil(harness.Line{Twice: 1})
	for from := range 2 {
		send(from, "twice")
		if one, two := next(1-from), next(1-from); one != "twice" || two != "twice" {
			t.Errorf("%q, %q", one, two)
		}
	}
	mend(b)

	b = spoil(harness.Line{Lose: 1})
	for from := range 2 {
		send(from, "lost")
	}
	for b.Lost.Load() < 2 {
		runtime.Gosched()
	}
	mend(b)

	const late = 200 * time.Millisecond
	b = spoil(harness.Line{Delay: late})
	for from := range 2 {
		began := time.Now()
		send(from, "late")
		if got, after := next(1-from), time.Since(began); got != "late" || after < late {
			t.Errorf("%q came after %v", got, after)
		}
	}
	mend(b)

	// Streams of large pieces, as kernels hand them on, pass a line that loses some and mixes their order.
	b = spoil(harness.Line{Lose: 0.02, Twice: 0.1, Jitter: time.Millisecond, Seed: 1})
	l, err := lan.Hosts[1].Listen(harness.Addr(2) + ":8")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	sent := make([]byte, 1<<20)
	for i := range sent {
		sent[i] = byte(i * i >> 8)
	}
	go func() {
		c, err := lan.Hosts[0].Dial(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			return // the other end tells
		}
		_, _ = c.Write(sent)
		c.Close()
	}()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d bytes came, %v", len(got), err)
	}
	if b.Lost.Load() == 0 && b.Doubled.Load() == 0 {
		t.Error("nothing was lost or doubled")
	}
	mend(b)
	send(0, "good again")
	if got := next(1); got != "good again" {
		t.Errorf("%q", got)
	}
}
