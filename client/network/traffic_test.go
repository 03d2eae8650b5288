package network

import (
	"context"
	"os"
	"testing"

	"berth/client/network/nettest"
)

// outside makes another machine on the network 192.0.2.0/24; this one is .1, it is .2.
func outside(tb testing.TB) *nettest.Host {
	tb.Helper()
	nettest.RequireIsolated(tb)
	host := nettest.NewHost(tb)
	host.Connect("192.0.2.1/24", "192.0.2.2/24")
	return host
}

func TestPublishedPortIsReachedFromEverywhere(t *testing.T) {
	nettest.RequireIsolated(t)
	for _, value := range []string{"0", "1"} {
		t.Run("br_netfilter "+value, func(t *testing.T) {
			if err := os.WriteFile(sysctlBridgeNetfilter, []byte(value), 0o644); err != nil && value == "1" {
				t.Skip("kernel feature br_netfilter is not loaded")
			}
			testPublishedPort(t)
		})
	}
}

func testPublishedPort(t *testing.T) {
	m := testManager(t, nil)
	other := outside(t)
	a := setUp(t, m, bridgeRequest("alloc-a", Port{Label: "http", Host: 8080, To: 80}))
	b := setUp(t, m, bridgeRequest("alloc-b"))
	serve(t, a.NetNS, "a", "0.0.0.0", 80)
	for _, network := range []string{"tcp", "udp"} {
		if seen := wantAnswer(t, "", network, "127.0.0.1:8080", "a"); seen != a.Gateway {
			t.Errorf("caller on loopback is seen as %s, want %s", seen, a.Gateway)
		}
		wantAnswer(t, "", network, "192.0.2.1:8080", "a")
		wantAnswer(t, "", network, a.Gateway+":8080", "a")
		wantAnswer(t, "", network, a.IP+":80", "a")
		if seen := wantAnswer(t, other.Path, network, "192.0.2.1:8080", "a"); seen != "192.0.2.2" {
			t.Errorf("caller from outside is seen as %s, want its own address", seen)
		}
		if seen := wantAnswer(t, b.NetNS, network, a.IP+":80", "a"); seen != b.IP {
			t.Errorf("caller in another allocation is seen as %s, want %s", seen, b.IP)
		}
		wantAnswer(t, b.NetNS, network, "192.0.2.1:8080", "a")
		wantAnswer(t, a.NetNS, network, "192.0.2.1:8080", "a")
		wantAnswer(t, a.NetNS, network, "127.0.0.1:80", "a")
	}
}

func TestPortOnOneAddressIsClosedOnOthers(t *testing.T) {
	m := testManager(t, nil)
	other := outside(t)
	a := setUp(t, m, bridgeRequest("alloc-a", Port{Label: "http", HostIP: "127.0.0.1", Host: 8080, To: 80}))
	b := setUp(t, m, bridgeRequest("alloc-b", Port{Label: "http", HostIP: "192.0.2.1", Host: 8080, To: 80, Protocols: []string{"tcp"}}))
	serve(t, a.NetNS, "a", "0.0.0.0", 80)
	serve(t, b.NetNS, "b", "0.0.0.0", 80)
	wantAnswer(t, "", "tcp", "127.0.0.1:8080", "a")
	wantAnswer(t, "", "tcp", "192.0.2.1:8080", "b")
	wantAnswer(t, other.Path, "tcp", "192.0.2.1:8080", "b")
	wantNoAnswer(t, other.Path, "udp", "192.0.2.1:8080")
	wantNoAnswer(t, "", "tcp", a.Gateway+":8080")
}

func TestAllocationReachesOutsideMasqueraded(t *testing.T) {
	m := testManager(t, nil)
	other := outside(t)
	serve(t, other.Path, "other", "0.0.0.0", 53)
	a := setUp(t, m, bridgeRequest("alloc-a"))
	for _, network := range []string{"tcp", "udp"} {
		if seen := wantAnswer(t, a.NetNS, network, "192.0.2.2:53", "other"); seen != "192.0.2.1" {
			t.Errorf("allocation is seen as %s, want the machine's address", seen)
		}
	}
}

func TestUnpublishedPortIsClosedToOutside(t *testing.T) {
	m := testManager(t, nil)
	other := outside(t)
	other.DefaultRoute("192.0.2.1")
	a := setUp(t, m, bridgeRequest("alloc-a", Port{Label: "http", Host: 8080, To: 80}))
	serve(t, a.NetNS, "a", "0.0.0.0", 81)
	wantAnswer(t, "", "tcp", a.IP+":81", "a")
	wantNoAnswer(t, other.Path, "tcp", a.IP+":81")
	wantNoAnswer(t, other.Path, "udp", a.IP+":81")
	wantNoAnswer(t, other.Path, "tcp", "192.0.2.1:81")
}

func TestMachineLoopbackMetadataAndAgentAreClosedToAllocations(t *testing.T) {
	m := testManager(t, func(c *Config) { c.AgentPorts = []uint16{4646} })
	other := outside(t)
	if err := other.Run(func() error { return addLoopback("169.254.169.254/32") }); err != nil {
		t.Fatal(err)
	}
	addRoute(t, "169.254.169.254/32", "192.0.2.2")
	serve(t, other.Path, "metadata", "169.254.169.254", 80)
	serve(t, other.Path, "cloud-dns", "169.254.169.254", 53)
	serve(t, "", "agent", "0.0.0.0", 4646)
	serve(t, "", "service", "0.0.0.0", 7001)
	a := setUp(t, m, bridgeRequest("alloc-a"))
	// Routes that an allocation could have made for itself.
	if err := inside(a.NetNS, func() error { return routeLoopbackOut(a.Gateway) }); err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, "", "tcp", "169.254.169.254:80", "metadata")
	wantNoAnswer(t, a.NetNS, "tcp", "169.254.169.254:80")
	wantAnswer(t, a.NetNS, "udp", "169.254.169.254:53", "cloud-dns")
	// Its answers would be lost, but a packet that arrives can be harm enough.
	loopback := listenUDP(t, "127.0.0.1:7000")
	if got := loopback.received(t, func() { _, _ = call("", "udp", "127.0.0.1:7000", denyTimeout) }); got != "hello" {
		t.Errorf("the machine's own packet: received %q", got)
	}
	if got := loopback.received(t, func() { _, _ = call(a.NetNS, "udp", "127.0.0.1:7000", denyTimeout) }); got != "" {
		t.Errorf("the allocation's packet: received %q on the machine's loopback", got)
	}
	wantNoAnswer(t, a.NetNS, "tcp", a.Gateway+":4646")
	wantNoAnswer(t, a.NetNS, "tcp", "192.0.2.1:4646")
	wantAnswer(t, a.NetNS, "tcp", "192.0.2.1:7001", "service")
}

func TestAllocationCannotSendAsAnother(t *testing.T) {
	m := testManager(t, nil)
	a := setUp(t, m, bridgeRequest("alloc-a"))
	b := setUp(t, m, bridgeRequest("alloc-b"))
	serve(t, b.NetNS, "b", "0.0.0.0", 80)
	serve(t, "", "host", "0.0.0.0", 7000)
	wantAnswer(t, a.NetNS, "udp", b.IP+":80", "b")
	if err := inside(a.NetNS, func() error { return replaceAddress(interfaceName, "172.26.64.99/20") }); err != nil {
		t.Fatal(err)
	}
	for _, network := range []string{"tcp", "udp"} {
		wantNoAnswer(t, a.NetNS, network, b.IP+":80")
		wantNoAnswer(t, a.NetNS, network, a.Gateway+":7000")
	}
}

func TestUDPSenderThatNeverPausesFollowsThePort(t *testing.T) {
	m := testManager(t, nil)
	other := outside(t)
	sender := newUDPSender(t, other, "192.0.2.1:8080")
	sender.send(t) // remembered as a connection to the machine itself, where nobody listens
	a := setUp(t, m, bridgeRequest("alloc-a", Port{Label: "x", Host: 8080}))
	serve(t, a.NetNS, "a", "0.0.0.0", 8080)
	sender.wantAnswer(t, "a")
	if err := m.Teardown(context.Background(), "alloc-a"); err != nil {
		t.Fatal(err)
	}
	b := setUp(t, m, bridgeRequest("alloc-b", Port{Label: "x", Host: 8080}))
	if a.IP == b.IP {
		t.Errorf("address %s was given out again at once", a.IP)
	}
	serve(t, b.NetNS, "b", "0.0.0.0", 8080)
	sender.wantAnswer(t, "b")
}
