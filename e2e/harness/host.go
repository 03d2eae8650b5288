package harness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"

	"berth/client/network/netns"

	"github.com/vishvananda/netlink"
)

// HostAddr is the address a Host has on its only interface besides loopback.
const HostAddr = "192.0.2.10"

// Host is a network namespace that plays a machine: loopback, an interface eth0 with HostAddr and a default route that leads
// nowhere. Its processes and files are this machine's.
type Host struct {
	path string
}

// NewHost makes a machine whose namespace is mounted in the folder.
func NewHost(dir string) (*Host, error) {
	h := &Host{path: filepath.Join(dir, "netns")}
	return h, netns.Create(h.path, configureHost)
}

func configureHost() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return err
	}
	pair := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "eth0"}, PeerName: "uplink"}
	if err := netlink.LinkAdd(pair); err != nil {
		return fmt.Errorf("make eth0: %w", err)
	}
	for _, name := range []string{"uplink", "eth0"} {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		if err := netlink.LinkSetUp(link); err != nil {
			return err
		}
	}
	eth0, err := netlink.LinkByName("eth0")
	if err != nil {
		return err
	}
	addr, err := netlink.ParseAddr(HostAddr + "/24")
	if err != nil {
		return err
	}
	if err := netlink.AddrAdd(eth0, addr); err != nil {
		return fmt.Errorf("give eth0 an address: %w", err)
	}
	return netlink.RouteAdd(&netlink.Route{LinkIndex: eth0.Attrs().Index, Gw: net.ParseIP("192.0.2.1")})
}

// Close removes the namespace. Processes inside it are not touched.
func (h *Host) Close() error { return netns.Remove(h.path) }

// Run runs fn on a thread inside the machine.
func (h *Host) Run(fn func() error) error { return netns.In(h.path, fn) }

// Start starts a command inside the machine.
func (h *Host) Start(cmd *exec.Cmd) error { return h.Run(cmd.Start) }

// Dial connects from inside the machine; addr holds an address, not a name.
func (h *Host) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var conn net.Conn
	err := h.Run(func() error {
		var d net.Dialer
		var err error
		conn, err = d.DialContext(ctx, network, addr)
		return err
	})
	return conn, err
}

// Listen listens inside the machine.
func (h *Host) Listen(addr string) (net.Listener, error) {
	var l net.Listener
	err := h.Run(func() error {
		var err error
		l, err = net.Listen("tcp", addr)
		return err
	})
	return l, err
}

// Links names the interfaces inside the machine.
func (h *Host) Links() ([]string, error) {
	var names []string
	err := h.Run(func() error {
		links, err := netlink.LinkList()
		for _, l := range links {
			names = append(names, l.Attrs().Name)
		}
		return err
	})
	return names, err
}

// Output runs a command inside the machine and gives its standard output.
func (h *Host) Output(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	var out []byte
	err := h.Run(func() error {
		var err error
		out, err = cmd.Output()
		return err
	})
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%s: %w: %s", name, err, exit.Stderr)
	}
	return string(out), err
}

// Combined runs a command inside the machine and gives everything it says.
func (h *Host) Combined(cmd *exec.Cmd) (string, error) {
	var out []byte
	err := h.Run(func() error {
		var err error
		out, err = cmd.CombinedOutput()
		return err
	})
	return string(out), err
}

// Path is where the namespace is mounted, for `nsenter --net=PATH`.
func (h *Host) Path() string { return h.path }
