package network

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/client/network/netns"
	"berth/client/network/nettest"

	"github.com/hashicorp/go-hclog"
)

// ioTimeout bounds what must work; denyTimeout is how long silence proves that something does not get through.
const (
	ioTimeout   = 10 * time.Second
	denyTimeout = 300 * time.Millisecond
)

// testManager makes a Manager in folders of the test, and removes all it made at the end.
func testManager(tb testing.TB, change func(*Config)) *Manager {
	tb.Helper()
	nettest.RequireIsolated(tb)
	dir := tb.TempDir()
	cfg := Config{
		NetNSDir: filepath.Join(dir, "netns"), StateDir: filepath.Join(dir, "state"),
		Logger: hclog.New(&hclog.LoggerOptions{Output: testWriter{tb}, Level: hclog.Warn}),
	}
	if change != nil {
		change(&cfg)
	}
	m, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := m.RemoveAll(context.Background()); err != nil {
			tb.Errorf("remove all: %v", err)
		}
	})
	return m
}

// again is a Manager on the same folders, as after a kill of the agent.
func again(tb testing.TB, m *Manager) *Manager {
	tb.Helper()
	next, err := New(m.cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return next
}

type testWriter struct{ tb testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.tb.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

func setUp(tb testing.TB, m *Manager, req Request) *Result {
	tb.Helper()
	res, err := m.Setup(context.Background(), req)
	if err != nil {
		tb.Fatalf("set up %s: %v", req.AllocID, err)
	}
	return res
}

func bridgeRequest(id string, ports ...Port) Request {
	return Request{AllocID: id, Mode: ModeBridge, Ports: ports}
}

// serve answers every TCP connection and UDP packet to the port, in the namespace ("" for this one), with its name and the
// caller's address: "<name> <ip>".
func serve(tb testing.TB, nsPath, name, ip string, port int) {
	tb.Helper()
	var tcp net.Listener
	var udp net.PacketConn
	err := inside(nsPath, func() (err error) {
		addr := fmt.Sprintf("%s:%d", ip, port)
		if tcp, err = net.Listen("tcp4", addr); err != nil {
			return err
		}
		udp, err = net.ListenPacket("udp4", addr)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	done := make(chan struct{}, 2)
	go func() {
		defer func() { done <- struct{}{} }()
		for {
			conn, err := tcp.Accept()
			if err != nil {
				return
			}
			fmt.Fprintf(conn, "%s %s", name, conn.RemoteAddr().(*net.TCPAddr).IP)
			conn.Close()
		}
	}()
	go func() {
		defer func() { done <- struct{}{} }()
		buf := make([]byte, 100)
		for {
			_, from, err := udp.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = udp.WriteTo([]byte(name+" "+from.(*net.UDPAddr).IP.String()), from)
		}
	}()
	tb.Cleanup(func() {
		tcp.Close()
		udp.Close()
		<-done
		<-done
	})
}

func inside(nsPath string, fn func() error) error {
	if nsPath == "" {
		return fn()
	}
	return netns.In(nsPath, fn)
}

// call connects from the namespace and returns the answer.
func call(nsPath, network, addr string, timeout time.Duration) (answer string, err error) {
	err = inside(nsPath, func() error {
		// Not a Dialer: its goroutine could be in another namespace's thread only for names, but the deadline is simpler so.
		conn, err := net.DialTimeout(network+"4", addr, timeout)
		if err != nil {
			return err
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(timeout))
		if network == "udp" {
			if _, err := conn.Write([]byte("hello")); err != nil {
				return err
			}
			buf := make([]byte, 100)
			n, err := conn.Read(buf)
			answer = string(buf[:n])
			return err
		}
		text, err := io.ReadAll(conn)
		answer = string(text)
		return err
	})
	return answer, err
}

// wantAnswer fails unless the server of that name answers; it returns the caller's address as the server saw it.
func wantAnswer(tb testing.TB, nsPath, network, addr, name string) string {
	tb.Helper()
	answer, err := call(nsPath, network, addr, ioTimeout)
	got, seen, _ := strings.Cut(answer, " ")
	if err != nil || got != name {
		tb.Fatalf("%s %s: answer %q, error %v, want %q", network, addr, answer, err, name)
	}
	return seen
}

func wantNoAnswer(tb testing.TB, nsPath, network, addr string) {
	tb.Helper()
	if answer, err := call(nsPath, network, addr, denyTimeout); err == nil {
		tb.Fatalf("%s %s: answer %q, want none", network, addr, answer)
	}
}

// kernelState is everything a Manager may change, as text. The order of what is listed is the kernel's.
func kernelState(tb testing.TB) string {
	tb.Helper()
	var b strings.Builder
	for _, args := range [][]string{{"ip", "-o", "link"}, {"ip", "-o", "addr"}, {"ip", "route", "show", "table", "all"}, {"nft", "list", "ruleset"}} {
		out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
		if err != nil {
			tb.Fatalf("%v: %v: %s", args, err, out)
		}
		fmt.Fprintf(&b, "# %v\n%s", args, settled(string(out)))
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		tb.Fatal(err)
	}
	return b.String() + "# mounts\n" + string(mounts)
}

// changesByItself is what the kernel changes with time after an interface came: link-local addresses, their routes, whether
// they are tried out still, and whether a link carries.
var changesByItself = regexp.MustCompile(`(?m)^.*( inet6 fe80:|^(local |anycast )?fe80:|^multicast ff00:).*\n|NO-CARRIER,|,?LOWER_UP|(state|qdisc) \S+ | tentative`)

func settled(out string) string { return changesByItself.ReplaceAllString(out, "") }

// difference names the lines that only one of the two states has: - the earlier, + the later.
func difference(before, after string) string {
	was, is := strings.Split(before, "\n"), strings.Split(after, "\n")
	var b strings.Builder
	for _, line := range was {
		if !slices.Contains(is, line) {
			fmt.Fprintf(&b, "- %s\n", line)
		}
	}
	for _, line := range is {
		if !slices.Contains(was, line) {
			fmt.Fprintf(&b, "+ %s\n", line)
		}
	}
	return b.String()
}

func addrOf(tb testing.TB, text string) netip.Addr {
	tb.Helper()
	addr, err := netip.ParseAddr(text)
	if err != nil {
		tb.Fatal(err)
	}
	return addr
}

func TestAStateIsTheSameWhileALinkFindsItsCarrier(t *testing.T) {
	const without = "7: bth0@if2: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 state LOWERLAYERDOWN mode DEFAULT"
	const with = "7: bth0@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP mode DEFAULT"
	if d := difference(settled(without), settled(with)); d != "" {
		t.Errorf("they differ:\n%s", d)
	}
}
