package nettest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"berth/client/network/netns"

	"github.com/vishvananda/netlink"
)

// Host is a network namespace that plays a machine. It lasts until the test ends.
type Host struct {
	// Path is the namespace's bind mount, for `nsenter --net=<path>`.
	Path string
	tb   testing.TB
	// cables counts the calls of Connect.
	cables int
}

// NewHost makes a machine with loopback up and no other interface. Without root it skips the test.
func NewHost(tb testing.TB) *Host {
	tb.Helper()
	if os.Geteuid() != 0 {
		tb.Skip("needs root, to make network namespaces")
	}
	h := &Host{Path: filepath.Join(tb.TempDir(), "netns"), tb: tb}
	tb.Cleanup(func() {
		if err := netns.Remove(h.Path); err != nil {
			tb.Error(err)
		}
	})
	if err := netns.Create(h.Path, loopbackUp); err != nil {
		tb.Fatal(err)
	}
	return h
}

// Run runs fn inside the machine; sockets it opens and processes it starts belong there, goroutines it starts do not.
// It returns fn's error.
func (h *Host) Run(fn func() error) error { return netns.In(h.Path, fn) }

// Start starts the command inside the machine. When the test ends, it is killed if it still runs, and waited for.
func (h *Host) Start(cmd *exec.Cmd) error {
	if err := h.Run(cmd.Start); err != nil {
		return err
	}
	h.tb.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return nil
}

// Connect cables this machine (the caller's namespace) to the host with a veth pair: hereCIDR and thereCIDR are the two
// ends' addresses with their length, for example 192.0.2.1/24 and 192.0.2.2/24. It returns the name of the end here; the
// other is called eth0 in the first cable of a host, then eth1 and so on.
func (h *Host) Connect(hereCIDR, thereCIDR string) string {
	h.tb.Helper()
	// Why a hash: tests of other packages may run in this namespace at the same time.
	h.cables++
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %d", os.Getpid(), h.Path, h.cables))
	name := "nt" + hex.EncodeToString(sum[:6])
	h.tb.Cleanup(func() {
		if link, err := netlink.LinkByName(name); err == nil {
			_ = netlink.LinkDel(link)
		}
	})
	if err := h.connect(name, hereCIDR, thereCIDR); err != nil {
		h.tb.Fatal(err)
	}
	return name
}

func (h *Host) connect(name, hereCIDR, thereCIDR string) error {
	ns, err := os.Open(h.Path)
	if err != nil {
		return err
	}
	defer ns.Close()
	var peer string
	if err := h.Run(func() error {
		links, err := netlink.LinkList()
		peer = fmt.Sprintf("eth%d", len(links)-1)
		return err
	}); err != nil {
		return err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	pair := &netlink.Veth{LinkAttrs: attrs, PeerName: peer, PeerNamespace: netlink.NsFd(int(ns.Fd()))}
	if err := netlink.LinkAdd(pair); err != nil {
		return fmt.Errorf("create veth %s: %w", name, err)
	}
	if err := addressUp(name, hereCIDR); err != nil {
		return err
	}
	return h.Run(func() error { return addressUp(peer, thereCIDR) })
}

// DefaultRoute makes the gateway the host's way to everywhere.
func (h *Host) DefaultRoute(gateway string) {
	h.tb.Helper()
	if err := h.Run(func() error { return netlink.RouteAdd(&netlink.Route{Gw: net.ParseIP(gateway)}) }); err != nil {
		h.tb.Fatalf("add default route by %s: %v", gateway, err)
	}
}

func addressUp(name, cidr string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find %s: %w", name, err)
	}
	addr, err := netlink.ParseAddr(cidr)
	if err != nil {
		return fmt.Errorf("address %q: %w", cidr, err)
	}
	if err := netlink.AddrAdd(link, addr); err != nil {
		return fmt.Errorf("add address %s to %s: %w", cidr, name, err)
	}
	return netlink.LinkSetUp(link)
}
