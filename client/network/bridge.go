package network

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// aliasBridge marks the bridge interface for operators (`ip -d link`); its hardware address marks it for Berth.
const aliasBridge = "berth: bridge of allocations"

// bridgeHardwareAddr is derived from the name. Why: it is set in the same netlink message that creates the bridge, so
// there is no moment at which a bridge of Berth's is not recognisable; and a bridge without an address of its own would
// change it as ports come and go.
func bridgeHardwareAddr(name string) net.HardwareAddr {
	sum := sha256.Sum256([]byte("berth bridge " + name))
	return net.HardwareAddr{0x02, 0xbf, sum[0], sum[1], sum[2], sum[3]}
}

// findBridge returns the bridge, nil when no interface has its name, and an error when the interface is someone else's.
func (c Config) findBridge() (*netlink.Bridge, error) {
	link, err := netlink.LinkByName(c.Bridge)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find bridge %s: %w", c.Bridge, err)
	}
	bridge, ok := link.(*netlink.Bridge)
	if !ok || !slices.Equal(bridge.HardwareAddr, bridgeHardwareAddr(c.Bridge)) {
		return nil, fmt.Errorf("interface %s (%s) exists and was not made by Berth: remove it, or set client.bridge_network_name to another name", c.Bridge, link.Type())
	}
	return bridge, nil
}

// ensureBridge makes the bridge what it should be and returns it. made is true when it had to be created.
func (c Config) ensureBridge() (bridge *netlink.Bridge, made bool, err error) {
	bridge, err = c.findBridge()
	if err != nil {
		return nil, false, err
	}
	if bridge == nil {
		if bridge, err = c.createBridge(); err != nil {
			return nil, false, err
		}
		made = true
	}
	if err := c.ensureBridgeAddress(bridge); err != nil {
		if made {
			err = errors.Join(err, netlink.LinkDel(bridge))
		}
		return nil, false, err
	}
	if bridge.Flags&net.FlagUp == 0 {
		if err := netlink.LinkSetUp(bridge); err != nil {
			return nil, false, fmt.Errorf("set bridge %s up: %w", c.Bridge, err)
		}
	}
	return bridge, made, c.setBridgeSysctls()
}

func (c Config) createBridge() (*netlink.Bridge, error) {
	mtu, err := c.mtu()
	if err != nil {
		return nil, err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.HardwareAddr, attrs.MTU = c.Bridge, bridgeHardwareAddr(c.Bridge), mtu
	if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: attrs}); err != nil {
		return nil, fmt.Errorf("create bridge %s: %w", c.Bridge, err)
	}
	bridge, err := c.findBridge()
	if err != nil {
		return nil, err
	}
	if bridge == nil {
		return nil, fmt.Errorf("create bridge %s: it went away at once", c.Bridge)
	}
	// Why IPv6 goes off before the interface comes up: it would take a link-local address on which the agent is reachable.
	if err := writeSysctl("net/ipv6/conf/"+c.Bridge+"/disable_ipv6", "1", sysctlOptional); err != nil {
		return nil, errors.Join(err, netlink.LinkDel(bridge))
	}
	if err := netlink.LinkSetAlias(bridge, aliasBridge); err != nil {
		return nil, errors.Join(fmt.Errorf("mark bridge %s: %w", c.Bridge, err), netlink.LinkDel(bridge))
	}
	return bridge, nil
}

// ensureBridgeAddress gives the bridge the first address of the subnet, unless the subnet is in use elsewhere.
func (c Config) ensureBridgeAddress(bridge *netlink.Bridge) error {
	want := netip.PrefixFrom(c.gateway(), c.Subnet.Bits())
	addrs, err := netlink.AddrList(bridge, unix.AF_INET)
	if err != nil {
		return fmt.Errorf("list addresses of bridge %s: %w", c.Bridge, err)
	}
	for _, a := range addrs {
		if have := prefixOf(a.IPNet); have == want {
			return nil
		} else if links, err := portsOf(bridge); err != nil || len(links) > 0 {
			return errors.Join(err, fmt.Errorf("bridge %s carries %d allocations on %s: stop them before client.bridge_network_subnet becomes %s", c.Bridge, len(links), have.Masked(), c.Subnet))
		}
	}
	if err := c.checkOverlap(bridge); err != nil {
		return err
	}
	for _, a := range addrs {
		if err := netlink.AddrDel(bridge, &a); err != nil {
			return fmt.Errorf("remove former address %s of bridge %s: %w", a.IPNet, c.Bridge, err)
		}
	}
	addr := &netlink.Addr{IPNet: ipNet(want)}
	if err := netlink.AddrAdd(bridge, addr); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("add address %s to bridge %s: %w", want, c.Bridge, err)
	}
	return nil
}

// checkOverlap refuses a subnet to which the machine already has another way. Default routes (also halved ones) lead
// everywhere and do not count.
func (c Config) checkOverlap(bridge *netlink.Bridge) error {
	routes, err := netlink.RouteList(nil, unix.AF_INET)
	if err != nil {
		return fmt.Errorf("list routes: %w", err)
	}
	for _, r := range routes {
		dst := prefixOf(r.Dst)
		if !dst.IsValid() || dst.Bits() <= 1 || r.LinkIndex == bridge.Index || !dst.Overlaps(c.Subnet) {
			continue
		}
		dev := "no interface"
		if link, err := netlink.LinkByIndex(r.LinkIndex); err == nil {
			dev = "interface " + link.Attrs().Name
		}
		return fmt.Errorf("bridge subnet %s overlaps the route to %s by %s: set client.bridge_network_subnet to a free network", c.Subnet, dst, dev)
	}
	return nil
}

// setBridgeSysctls sets what routing of published ports needs, on the bridge alone but for ip_forward, which the kernel
// also asks of the interface the packets come in by.
func (c Config) setBridgeSysctls() error {
	conf := "net/ipv4/conf/" + c.Bridge + "/"
	return errors.Join(
		writeSysctl("net/ipv4/ip_forward", "1", sysctlRequired),
		// So that 127.0.0.1:<published port> can be translated; the chain "guard" drops what else would use it.
		writeSysctl(conf+"route_localnet", "1", sysctlRequired),
		// The way back to a sender on the bridge must be the bridge.
		writeSysctl(conf+"rp_filter", "1", sysctlRequired),
		writeSysctl(conf+"send_redirects", "0", sysctlRequired),
		writeSysctl("net/ipv6/conf/"+c.Bridge+"/disable_ipv6", "1", sysctlOptional),
	)
}

// mtu is the configured one, or that of the interface of the default route, or Ethernet's.
func (c Config) mtu() (int, error) {
	if c.MTU != 0 {
		return c.MTU, nil
	}
	routes, err := netlink.RouteList(nil, unix.AF_INET)
	if err != nil {
		return 0, fmt.Errorf("list routes: %w", err)
	}
	for _, r := range routes {
		if r.Dst != nil && !r.Dst.IP.IsUnspecified() {
			continue
		}
		if link, err := netlink.LinkByIndex(r.LinkIndex); err == nil {
			return min(link.Attrs().MTU, 65535), nil
		}
	}
	return 1500, nil
}

// portsOf lists the interfaces attached to the bridge.
func portsOf(bridge *netlink.Bridge) ([]netlink.Link, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	return slices.DeleteFunc(links, func(l netlink.Link) bool { return l.Attrs().MasterIndex != bridge.Index }), nil
}

// prefixOf converts; the zero Prefix for nil (an old way to say default route).
func prefixOf(n *net.IPNet) netip.Prefix {
	if n == nil {
		return netip.Prefix{}
	}
	addr, ok := netip.AddrFromSlice(n.IP)
	if !ok {
		return netip.Prefix{}
	}
	ones, _ := n.Mask.Size()
	return netip.PrefixFrom(addr.Unmap(), ones)
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// removeBridge deletes the bridge if it is Berth's.
func (c Config) removeBridge() error {
	bridge, err := c.findBridge()
	if err != nil || bridge == nil {
		return nil // there is none, or it is someone else's and stays
	}
	if err := netlink.LinkDel(bridge); err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("remove bridge %s: %w", c.Bridge, err)
	}
	return nil
}
