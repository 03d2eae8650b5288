package network

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"berth/client/network/nettest"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func addLoopback(cidr string) error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	addr, err := netlink.ParseAddr(cidr)
	if err != nil {
		return err
	}
	return netlink.AddrAdd(lo, addr)
}

func addRoute(tb testing.TB, cidr, gateway string) {
	tb.Helper()
	dst, err := netlink.ParseIPNet(cidr)
	if err != nil {
		tb.Fatal(err)
	}
	if err := netlink.RouteAdd(&netlink.Route{Dst: dst, Gw: net.ParseIP(gateway)}); err != nil {
		tb.Fatal(err)
	}
}

// routeLoopbackOut is what an allocation with all rights over its namespace would do to reach the machine's loopback.
func routeLoopbackOut(gateway string) error {
	if err := os.WriteFile("/proc/sys/net/ipv4/conf/eth0/route_localnet", []byte("1"), 0o644); err != nil {
		return err
	}
	routes, err := netlink.RouteListFiltered(unix.AF_INET, &netlink.Route{Table: unix.RT_TABLE_LOCAL}, netlink.RT_FILTER_TABLE)
	if err != nil {
		return err
	}
	for _, r := range routes {
		if r.Dst != nil && r.Dst.IP.IsLoopback() {
			if err := netlink.RouteDel(&r); err != nil {
				return err
			}
		}
	}
	eth0, err := netlink.LinkByName("eth0")
	if err != nil {
		return err
	}
	_, loopback, _ := net.ParseCIDR("127.0.0.0/8")
	addrs, err := netlink.AddrList(eth0, unix.AF_INET)
	if err != nil {
		return err
	}
	return netlink.RouteAdd(&netlink.Route{Dst: loopback, Gw: net.ParseIP(gateway), LinkIndex: eth0.Attrs().Index, Src: addrs[0].IP})
}

// replaceAddress takes all addresses of an interface away and gives it another, and the way out again.
func replaceAddress(name, cidr string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	addrs, err := netlink.AddrList(link, unix.AF_INET)
	if err != nil {
		return err
	}
	for _, a := range addrs {
		if err := netlink.AddrDel(link, &a); err != nil {
			return err
		}
	}
	addr, err := netlink.ParseAddr(cidr)
	if err != nil {
		return err
	}
	return netlink.AddrAdd(link, addr)
}

// udpSender keeps one socket, so that the kernel remembers its connection.
type udpSender struct{ conn net.Conn }

func newUDPSender(tb testing.TB, from *nettest.Host, addr string) *udpSender {
	tb.Helper()
	s := &udpSender{}
	if err := from.Run(func() (err error) {
		s.conn, err = net.Dial("udp4", addr)
		return err
	}); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.conn.Close() })
	return s
}

func (s *udpSender) send(tb testing.TB) {
	tb.Helper()
	// A refusal remembered from the last packet may be reported here.
	if _, err := s.conn.Write([]byte("hello")); err != nil && !strings.Contains(err.Error(), "refused") {
		tb.Fatal(err)
	}
}

// wantAnswer sends until the server of that name answers.
func (s *udpSender) wantAnswer(tb testing.TB, name string) {
	tb.Helper()
	deadline := time.Now().Add(ioTimeout)
	var last string
	for time.Now().Before(deadline) {
		s.send(tb)
		_ = s.conn.SetReadDeadline(time.Now().Add(denyTimeout))
		buf := make([]byte, 100)
		n, err := s.conn.Read(buf)
		if err != nil {
			last = err.Error()
			continue
		}
		if last = string(buf[:n]); strings.HasPrefix(last, name+" ") {
			return
		}
	}
	tb.Fatalf("no answer from %q within %s, last %q", name, ioTimeout, last)
}

// udpSink receives and never answers.
type udpSink struct{ conn net.PacketConn }

func listenUDP(tb testing.TB, addr string) udpSink {
	tb.Helper()
	conn, err := net.ListenPacket("udp4", addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	return udpSink{conn}
}

// received returns what came in while send ran and shortly after, "" for nothing.
func (s udpSink) received(tb testing.TB, send func()) string {
	tb.Helper()
	send()
	_ = s.conn.SetReadDeadline(time.Now().Add(denyTimeout))
	buf := make([]byte, 100)
	n, _, err := s.conn.ReadFrom(buf)
	if err != nil {
		return ""
	}
	return string(buf[:n])
}
