package network

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"

	"berth/client/network/nettest"
)

func TestTakenPortsNameTheHolder(t *testing.T) {
	nettest.RequireIsolated(t)
	listen := func(network, addr string) {
		t.Helper()
		var closer interface{ Close() error }
		var err error
		if strings.HasPrefix(network, "udp") {
			closer, err = net.ListenPacket(network, addr)
		} else {
			closer, err = net.Listen(network, addr)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { closer.Close() })
	}
	listen("tcp4", "127.0.0.1:7001")
	listen("tcp", ":7002")
	listen("udp4", "0.0.0.0:7003")
	cases := []struct {
		port Port
		want string // protocol and listening address, "" for free
	}{
		{Port{Label: "a", Host: 7001}, "tcp 127.0.0.1:7001"},
		{Port{Label: "a", HostIP: "127.0.0.1", Host: 7001}, "tcp 127.0.0.1:7001"},
		{Port{Label: "a", HostIP: "10.0.0.1", Host: 7001}, ""},
		{Port{Label: "a", Host: 7001, Protocols: []string{"udp"}}, ""},
		{Port{Label: "a", HostIP: "10.0.0.1", Host: 7002}, "tcp [::]:7002"},
		{Port{Label: "a", HostIP: "10.0.0.1", Host: 7003}, "udp 0.0.0.0:7003"},
		{Port{Label: "a", Host: 7003, Protocols: []string{"tcp"}}, ""},
		{Port{Label: "a", Host: 7004}, ""},
	}
	for _, c := range cases {
		taken, err := TakenPorts([]Port{c.port})
		if err != nil {
			t.Fatal(err)
		}
		if c.want == "" {
			if len(taken) != 0 {
				t.Errorf("%+v: %v, want free", c.port, taken)
			}
			continue
		}
		if len(taken) != 1 || fmt.Sprint(taken[0].Protocol, " ", taken[0].Listening) != c.want {
			t.Errorf("%+v: %v, want %s", c.port, taken, c.want)
			continue
		}
		holder := fmt.Sprintf("(pid %d) listens on", os.Getpid())
		if text := taken[0].String(); !strings.Contains(text, holder) || !strings.Contains(text, `port "a"`) {
			t.Errorf("%q does not say who and what", text)
		}
	}
	if _, err := TakenPorts([]Port{{Label: "a", HostIP: "x", Host: 1}}); err == nil {
		t.Error("no error for an address that is none")
	}
}

func TestPublishedPortsAreNoReasonAgainstThemselves(t *testing.T) {
	m := testManager(t, nil)
	port := Port{Label: "http", Host: 8080}
	setUp(t, m, bridgeRequest("alloc-a", port))
	if taken, err := TakenPorts([]Port{port}); err != nil || len(taken) != 0 {
		t.Errorf("taken = %v, %v: a published port is no listening process", taken, err)
	}
}

func FuzzSockets(f *testing.F) {
	f.Add([]byte("  sl  local_address rem_address   st\n   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1\n"), true)
	f.Add([]byte("   1: 00000000000000000000000001000000:0035 0:0 07 0:0 0:0 0 0 0 9 2\n"), false)
	f.Fuzz(func(t *testing.T, text []byte, tcp bool) {
		sockets, _ := parseSockets(bytes.NewReader(text), tcp)
		for _, s := range sockets {
			if !s.addr.IsValid() || !s.holds(netip.Addr{}, int(s.addr.Port())) && s.addr.Addr().Unmap().Is4() {
				t.Errorf("socket %+v does not hold its own port", s)
			}
		}
	})
}
