package fingerprint

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"berth/structs"
)

// defaultHostNetwork is the alias of the node's own addresses.
const defaultHostNetwork = "default"

// addresses finds the interface the node is reached at, and its addresses. Loopback is the last resort: a machine without a
// network is a node all the same.
func addresses(_ context.Context, cfg Config, r *Result) {
	link, err := findLink(cfg.NetworkInterface)
	if err != nil {
		r.Problems = append(r.Problems, err.Error())
		return
	}
	name := link.Attrs().Name
	found, err := linkAddresses(link)
	if err != nil || len(found) == 0 {
		r.Problems = append(r.Problems, fmt.Sprintf("network interface %s has no address: set client.network_interface to one that has", name))
		return
	}
	first := found[0]
	r.Attributes["unique.network.ip-address"] = first.String()
	network := &structs.NodeNetworkResource{Mode: "host", Device: name, MacAddress: link.Attrs().HardwareAddr.String(),
		Speed: linkMbits(cfg, name)}
	// Ports of the default network are published on every address of the machine, so that a port is free or taken once.
	family := "ipv4"
	if first.Is6() {
		family = "ipv6"
	}
	network.Addresses = []structs.NodeNetworkAddress{{Family: family, Alias: defaultHostNetwork, Address: first.String()}}
	r.Resources.NodeNetworks = append(r.Resources.NodeNetworks, network)
	prefix := netip.PrefixFrom(first, first.BitLen())
	r.Resources.Networks = append(r.Resources.Networks, &structs.NetworkResource{Mode: "host", Device: name, CIDR: prefix.String(), IP: first.String()})
}

// findLink gives the interface of that name, or of the default route, or loopback.
func findLink(name string) (netlink.Link, error) {
	if name != "" {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return nil, fmt.Errorf("network interface %q is not there (client.network_interface): %w", name, err)
		}
		return link, nil
	}
	for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
		routes, err := netlink.RouteList(nil, family)
		if err != nil {
			continue
		}
		for _, index := range defaultLinks(routes) {
			if link, err := netlink.LinkByIndex(index); err == nil {
				return link, nil
			}
		}
	}
	link, err := netlink.LinkByName("lo")
	if err != nil {
		return nil, fmt.Errorf("this machine has neither a default route nor loopback: %w", err)
	}
	return link, nil
}

// defaultLinks are the interfaces of the default routes, the one the kernel prefers first.
func defaultLinks(routes []netlink.Route) []int {
	defaults := slices.DeleteFunc(slices.Clone(routes), func(r netlink.Route) bool { return r.Dst != nil && !r.Dst.IP.IsUnspecified() })
	slices.SortStableFunc(defaults, func(a, b netlink.Route) int { return cmp.Compare(a.Priority, b.Priority) })
	var links []int
	for _, r := range defaults {
		if r.LinkIndex > 0 {
			links = append(links, r.LinkIndex)
		}
		for _, hop := range r.MultiPath {
			links = append(links, hop.LinkIndex)
		}
	}
	return links
}

// linkAddresses are the addresses of an interface that others can use, IPv4 first.
func linkAddresses(link netlink.Link) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
		list, err := netlink.AddrList(link, family)
		if err != nil {
			return nil, fmt.Errorf("list addresses: %w", err)
		}
		out = append(out, lasting(list)...)
	}
	return out, nil
}

// lasting leaves out what is only for the link, or will not stay.
func lasting(list []netlink.Addr) []netip.Addr {
	var out []netip.Addr
	for _, a := range list {
		if a.IPNet == nil || a.Flags&(unix.IFA_F_TEMPORARY|unix.IFA_F_DEPRECATED|unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED) != 0 {
			continue
		}
		if ip, ok := netip.AddrFromSlice(a.IP); ok && !ip.Unmap().IsLinkLocalUnicast() {
			out = append(out, ip.Unmap())
		}
	}
	return out
}

// defaultMbits is the speed of an interface that does not tell its own, as virtual ones.
const defaultMbits = 1000

// linkMbits is the speed of an interface in megabits a second (sysfs-class-net).
func linkMbits(cfg Config, name string) int {
	text, err := os.ReadFile(filepath.Join(cfg.Root, "sys/class/net", name, "speed"))
	if n := parsePositive(string(text)); err == nil && n > 0 && n <= math.MaxInt32 {
		return int(n)
	}
	return defaultMbits
}

// bridge asks whether allocations can have networks of their own.
func bridge(ctx context.Context, cfg Config, r *Result) {
	if cfg.Network == nil {
		return
	}
	problems, attrs := cfg.Network.Fingerprint(ctx)
	maps.Copy(r.Attributes, attrs)
	r.Problems = append(r.Problems, problems...)
	modes := []string{"none", "bridge"}
	if len(problems) > 0 {
		modes = nil
	}
	for _, mode := range modes {
		r.Resources.NodeNetworks = append(r.Resources.NodeNetworks, &structs.NodeNetworkResource{Mode: mode, Device: attrs["network.bridge.name"]})
	}
}
