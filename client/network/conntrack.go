package network

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// staleFlows says which remembered connections mislead packets. The kernel asks its connection table before the port maps:
// a UDP sender that never pauses would go on reaching an address that is gone, or miss one that came.
type staleFlows struct {
	// gone is the address of an allocation that ended: all its connections go.
	gone netip.Addr
	// shadowed are ports just published: UDP connections to them that go elsewhere go.
	shadowed []udpPort
}

// udpPort is a published UDP port; the zero Addr means every local address.
type udpPort struct {
	addr netip.Addr
	port uint16
}

func udpPorts(ports []Port) []udpPort {
	var out []udpPort
	for _, p := range ports {
		if slices.Contains(p.protocols(), "udp") {
			addr, _ := p.hostAddr()
			out = append(out, udpPort{addr, uint16(p.Host)})
		}
	}
	return out
}

// purge deletes the flows. Why not an error: the network works for everyone but the one old sender.
func (m *Manager) purge(stale staleFlows, allocID string) {
	if !stale.gone.IsValid() && len(stale.shadowed) == 0 {
		return
	}
	if err := m.flows.do(stale); err != nil {
		m.log.Warn("old connections not removed from connection tracking", "alloc_id", allocID, "error", err)
	}
}

// purgeFlows reads the machine's connection table once for all items, and deletes what they name.
func purgeFlows(items []staleFlows) error {
	count, err := os.ReadFile("/proc/sys/net/netfilter/nf_conntrack_count")
	if err != nil || strings.TrimSpace(string(count)) == "0" {
		return nil // connection tracking is not in use, so there is nothing stale
	}
	local, err := localAddrs()
	if err != nil {
		return err
	}
	filter := flowMatcher{items: items, local: local}
	_, err = netlink.ConntrackDeleteFilters(netlink.ConntrackTable, unix.AF_INET, filter)
	if errors.Is(err, netlink.ErrDumpInterrupted) {
		_, err = netlink.ConntrackDeleteFilters(netlink.ConntrackTable, unix.AF_INET, filter)
	}
	if err != nil {
		return fmt.Errorf("delete connection tracking entries: %w", err)
	}
	return nil
}

// flowMatcher is the netlink library's filter for a batch.
type flowMatcher struct {
	items []staleFlows
	local map[netip.Addr]bool
}

// MatchConntrackFlow implements netlink.CustomConntrackFilter: true deletes the flow.
func (f flowMatcher) MatchConntrackFlow(flow *netlink.ConntrackFlow) bool {
	src, _ := netip.AddrFromSlice(flow.Forward.SrcIP)
	dst, _ := netip.AddrFromSlice(flow.Forward.DstIP)
	answerer, _ := netip.AddrFromSlice(flow.Reverse.SrcIP)
	src, dst, answerer = src.Unmap(), dst.Unmap(), answerer.Unmap()
	return slices.ContainsFunc(f.items, func(s staleFlows) bool {
		if s.gone.IsValid() && (src == s.gone || answerer == s.gone) {
			return true
		}
		// Not translated yet: who answers is who was called.
		return flow.Forward.Protocol == unix.IPPROTO_UDP && dst == answerer && slices.ContainsFunc(s.shadowed, func(u udpPort) bool {
			return u.port == flow.Forward.DstPort && (u.addr == dst || (!u.addr.IsValid() && f.local[dst]))
		})
	})
}

// localAddrs are the machine's IPv4 addresses, all of 127.0.0.0/8 standing for itself as 127.0.0.1.
func localAddrs() (map[netip.Addr]bool, error) {
	addrs, err := netlink.AddrList(nil, unix.AF_INET)
	if err != nil {
		return nil, fmt.Errorf("list addresses: %w", err)
	}
	out := map[netip.Addr]bool{}
	for _, a := range addrs {
		out[prefixOf(a.IPNet).Addr()] = true
	}
	return out, nil
}
