package network

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"berth/client/network/netns"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// interfaceName is what an allocation's interface is called inside its namespace.
const interfaceName = "eth0"

// vethPrefix begins the name of every host side of an allocation's veth pair.
const vethPrefix = "bth"

// vethName is the host side's name. It depends on the bridge, so that two agents never meet on a name.
func vethName(bridge, allocID string) string {
	sum := sha256.Sum256([]byte(bridge + "\x00" + allocID))
	return vethPrefix + hex.EncodeToString(sum[:6])
}

// vethAlias marks the host side with its bridge, the whole allocation id and its address, so that all of it can be known
// again when the records on disk are lost.
func vethAlias(bridge, allocID string, ip netip.Addr) string {
	return "berth:" + bridge + ":" + allocID + ":" + ip.String()
}

// allocOfVeth reads the mark back; false for an interface that is not of this bridge's agent.
func allocOfVeth(bridge string, link netlink.Link) (allocID string, ip netip.Addr, ok bool) {
	rest, ok := strings.CutPrefix(link.Attrs().Alias, "berth:"+bridge+":")
	id, text, _ := strings.Cut(rest, ":")
	if !ok || link.Type() != "veth" || link.Attrs().Name != vethName(bridge, id) {
		return "", netip.Addr{}, false
	}
	ip, err := netip.ParseAddr(text)
	return id, ip, err == nil
}

// ensureVeth joins the namespace at nsPath to the bridge, creating what is missing. made: the pair was created.
func (c Config) ensureVeth(bridge *netlink.Bridge, allocID, nsPath string, ip netip.Addr) (made bool, err error) {
	name := vethName(c.Bridge, allocID)
	link, err := netlink.LinkByName(name)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		made = true
		link, err = c.createVeth(bridge, name, allocID, nsPath, ip)
	}
	if err != nil {
		return made, fmt.Errorf("veth %s: %w", name, err)
	}
	if link.Attrs().MasterIndex != bridge.Index {
		if err := netlink.LinkSetMasterByIndex(link, bridge.Index); err != nil {
			if errors.Is(err, unix.EXFULL) {
				return made, fmt.Errorf("bridge %s is full: the kernel attaches 1,023 allocations to a bridge at most", c.Bridge)
			}
			return made, fmt.Errorf("attach veth %s to bridge %s: %w", name, c.Bridge, err)
		}
	}
	if c.HairpinMode || bridgedFramesTranslated() {
		if err := netlink.LinkSetHairpin(link, true); err != nil {
			return made, fmt.Errorf("set hairpin mode of veth %s: %w", name, err)
		}
	}
	if link.Attrs().Flags&net.FlagUp == 0 {
		if err := netlink.LinkSetUp(link); err != nil {
			return made, fmt.Errorf("set veth %s up: %w", name, err)
		}
	}
	return made, netns.In(nsPath, func() error { return c.configureInside(ip) })
}

// bridgedFramesTranslated reports whether the kernel shows bridged frames to the port maps (br_netfilter, which Docker and
// Kubernetes turn on). Then a call of an allocation to its own published port is turned round inside the bridge, and not
// by routing, and the bridge must be allowed to send it out where it came in.
func bridgedFramesTranslated() bool {
	value, err := os.ReadFile(sysctlBridgeNetfilter)
	return err == nil && strings.TrimSpace(string(value)) != "0"
}

// sysctlBridgeNetfilter exists while the module br_netfilter is loaded.
const sysctlBridgeNetfilter = "/proc/sys/net/bridge/bridge-nf-call-iptables"

func (c Config) createVeth(bridge *netlink.Bridge, name, allocID, nsPath string, ip netip.Addr) (netlink.Link, error) {
	ns, err := os.Open(nsPath)
	if err != nil {
		return nil, fmt.Errorf("open network namespace: %w", err)
	}
	defer ns.Close()
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU = name, bridge.MTU
	pair := &netlink.Veth{LinkAttrs: attrs, PeerName: interfaceName, PeerHardwareAddr: hardwareAddr(ip), PeerNamespace: netlink.NsFd(int(ns.Fd()))}
	if err := netlink.LinkAdd(pair); err != nil {
		return nil, fmt.Errorf("create: %w", err)
	}
	if err := writeSysctl("net/ipv6/conf/"+name+"/disable_ipv6", "1", sysctlOptional); err != nil {
		return nil, err
	}
	if err := netlink.LinkSetAlias(pair, vethAlias(c.Bridge, allocID, ip)); err != nil {
		return nil, fmt.Errorf("mark: %w", err)
	}
	return pair, nil
}

// setUpLoopback configures the calling thread's new namespace: loopback up, and IPv6 off on what comes later (loopback keeps ::1).
func setUpLoopback() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find loopback: %w", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return fmt.Errorf("set loopback up: %w", err)
	}
	return writeSysctl("net/ipv6/conf/default/disable_ipv6", "1", sysctlOptional)
}

// configureInside gives the interface its address and the way out. It runs in the allocation's namespace.
func (c Config) configureInside(ip netip.Addr) error {
	eth0, err := netlink.LinkByName(interfaceName)
	if err != nil {
		return fmt.Errorf("find %s in the allocation: %w", interfaceName, err)
	}
	addr := &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(ip, c.Subnet.Bits()))}
	if err := netlink.AddrAdd(eth0, addr); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("add address %s to %s in the allocation: %w", addr, interfaceName, err)
	}
	if err := netlink.LinkSetUp(eth0); err != nil {
		return fmt.Errorf("set %s up in the allocation: %w", interfaceName, err)
	}
	route := &netlink.Route{LinkIndex: eth0.Attrs().Index, Gw: c.gateway().AsSlice()}
	if err := netlink.RouteAdd(route); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("add default route in the allocation: %w", err)
	}
	return nil
}

// removeVeth deletes the pair by its name; the peer goes with it. What is not there is no error.
func (c Config) removeVeth(allocID string) error {
	name := vethName(c.Bridge, allocID)
	link, err := netlink.LinkByName(name)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	if err == nil {
		err = netlink.LinkDel(link)
	}
	if err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("remove veth %s: %w", name, err)
	}
	return nil
}
