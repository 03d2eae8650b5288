package harness

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"berth/client/network/netns"

	"github.com/vishvananda/netlink"
)

// LAN is machines on one switch. Each is a Host; number i has the address of Addr(i).
type LAN struct {
	path  string // of the switch's namespace
	Hosts []*Host
}

// Addr is the address of a LAN's machine, counted from 1.
func Addr(i int) string { return fmt.Sprintf("10.91.7.%d", i) }

// NewLAN makes n machines below the folder, which must not be long: sockets have short paths.
func NewLAN(dir string, n int) (_ *LAN, err error) {
	l := &LAN{path: filepath.Join(dir, "switch")}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Close())
		}
	}()
	for i := 1; i <= n; i++ {
		h := &Host{path: filepath.Join(dir, fmt.Sprintf("h%d", i), "netns")}
		if err := os.MkdirAll(filepath.Dir(h.path), 0o755); err != nil {
			return l, err
		}
		if err := netns.Create(h.path, func() error { return linkUp("lo") }); err != nil {
			return l, err
		}
		l.Hosts = append(l.Hosts, h)
	}
	if err := netns.Create(l.path, l.wire); err != nil {
		return l, err
	}
	for i, h := range l.Hosts {
		if err := h.Run(func() error { return plug(i + 1) }); err != nil {
			return l, fmt.Errorf("machine %d: %w", i+1, err)
		}
	}
	return l, nil
}

// port is the switch's end of a machine's cable.
func port(i int) string { return fmt.Sprintf("port%d", i) }

// wire makes the switch and the cables. It runs inside the switch's namespace.
func (l *LAN) wire() error {
	if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "switch"}}); err != nil {
		return fmt.Errorf("make the switch: %w", err)
	}
	bridge, err := netlink.LinkByName("switch")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(bridge); err != nil {
		return err
	}
	for i, h := range l.Hosts {
		f, err := os.Open(h.path)
		if err != nil {
			return err
		}
		veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: port(i + 1), MasterIndex: bridge.Attrs().Index}, PeerName: "eth0",
			PeerNamespace: netlink.NsFd(int(f.Fd()))}
		err = errors.Join(netlink.LinkAdd(veth), f.Close())
		if err != nil {
			return fmt.Errorf("make a cable: %w", err)
		}
		if err := linkUp(port(i + 1)); err != nil {
			return err
		}
	}
	return nil
}

func plug(i int) error {
	eth0, err := netlink.LinkByName("eth0")
	if err != nil {
		return err
	}
	addr, err := netlink.ParseAddr(Addr(i) + "/24")
	if err != nil {
		return err
	}
	if err := errors.Join(netlink.AddrAdd(eth0, addr), netlink.LinkSetUp(eth0)); err != nil {
		return err
	}
	return netlink.RouteAdd(&netlink.Route{LinkIndex: eth0.Attrs().Index, Gw: net.ParseIP(Addr(254))})
}

func linkUp(name string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(link)
}

// Cut takes a machine's cable out, or puts it back.
func (l *LAN) Cut(i int, cut bool) error {
	return netns.In(l.path, func() error {
		link, err := netlink.LinkByName(port(i))
		if err != nil {
			return err
		}
		if cut {
			return netlink.LinkSetDown(link)
		}
		return netlink.LinkSetUp(link)
	})
}

// Move gives machine i the address of a number no other machine has. Its processes must not run.
func (l *LAN) Move(i, number int) error {
	return l.Hosts[i-1].Run(func() error {
		eth0, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		had, err := netlink.AddrList(eth0, netlink.FAMILY_V4)
		if err != nil {
			return err
		}
		for _, a := range had {
			if err := netlink.AddrDel(eth0, &a); err != nil {
				return err
			}
		}
		return plug(number)
	})
}

// Close removes the machines and the switch. Processes inside are not touched.
func (l *LAN) Close() error {
	var errs []error
	for _, h := range l.Hosts {
		errs = append(errs, h.Close())
	}
	if netns.Exists(l.path) {
		errs = append(errs, netns.Remove(l.path))
	}
	return errors.Join(errs...)
}
