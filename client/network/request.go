package network

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
)

// The modes a Manager makes; user-supplied CNI configurations are not its business.
const (
	// ModeBridge is a namespace of its own with an address on the bridge.
	ModeBridge = "bridge"
	// ModeNone is a namespace of its own with nothing but loopback.
	ModeNone = "none"
	// ModeHost is the machine's own namespace.
	ModeHost = "host"
)

// Request says what network an allocation should have. It carries no time and no choice: the same request gives the same
// network, whenever it comes.
type Request struct {
	// AllocID names the allocation: 1 to 64 letters, digits, '-', '_' or '.', not starting with '.'.
	AllocID string
	// Mode is ModeBridge, ModeNone or ModeHost.
	Mode string
	// Ports are published on the machine in ModeBridge, and ignored in the other modes.
	Ports []Port `json:",omitempty"`
	// Hostname goes into the hosts file; "" for none.
	Hostname string `json:",omitempty"`
	// DNS replaces what it gives; what it leaves empty comes from the machine's resolv.conf.
	DNS DNS
	// ExtraHosts maps names to addresses for the hosts file.
	ExtraHosts map[string]string `json:",omitempty"`
}

// Port publishes one port of an allocation on the machine.
type Port struct {
	// Label is the job's name for it, for messages.
	Label string
	// HostIP is the machine's address to publish on; "", "0.0.0.0" and "::" mean every local IPv4 address.
	HostIP string `json:",omitempty"`
	// Host is the port on the machine, 1 to 65535.
	Host int
	// To is the port inside the allocation; 0 and below mean the same as Host.
	To int
	// Protocols are "tcp" and "udp"; none means both.
	Protocols []string `json:",omitempty"`
}

// DNS is the job's dns block.
type DNS struct {
	// Servers are IP addresses of resolvers.
	Servers []string `json:",omitempty"`
	// Searches are the domains tried for short names.
	Searches []string `json:",omitempty"`
	// Options are resolver options such as "ndots:2".
	Options []string `json:",omitempty"`
}

// empty reports whether the block asks for nothing.
func (d DNS) empty() bool { return len(d.Servers)+len(d.Searches)+len(d.Options) == 0 }

// Result is the network an allocation got.
type Result struct {
	// NetNS is the path of the namespace; "" in ModeHost.
	NetNS string
	// Interface, IP and Gateway are set in ModeBridge: the interface's name inside, its address, the bridge's address.
	Interface, IP, Gateway string
	// IPv6 is always "": allocations have no IPv6 address, and IPv6 is off on their interface.
	IPv6 string
	// ResolvConf and Hosts are files to bind-mount into the tasks; "" in ModeHost when nothing was asked.
	ResolvConf, Hosts string
	// Notes are sentences a user of the allocation should see, such as a resolver that cannot be reached from inside.
	Notes []string
}

var (
	allocIDPattern  = regexp.MustCompile(`^[a-zA-Z0-9_-][a-zA-Z0-9_.-]{0,63}$`)
	hostNamePattern = regexp.MustCompile(`^[a-zA-Z0-9_]([a-zA-Z0-9_.-]{0,252})$`)
	// dnsWordPattern is what a search domain or an option may hold: nothing that could end the line.
	dnsWordPattern = regexp.MustCompile(`^[a-zA-Z0-9_.:=-]{1,253}$`)
)

// validate reports everything wrong with the request.
func (r Request) validate() error {
	var errs []error
	if !allocIDPattern.MatchString(r.AllocID) {
		return fmt.Errorf("allocation id %q is not 1 to 64 letters, digits, '-', '_' or '.'", r.AllocID)
	}
	switch r.Mode {
	case ModeBridge, ModeNone, ModeHost:
	default:
		errs = append(errs, fmt.Errorf("network mode %q is not %s, %s or %s", r.Mode, ModeBridge, ModeNone, ModeHost))
	}
	if r.Mode == ModeBridge {
		for _, p := range r.Ports {
			errs = append(errs, p.validate())
		}
	}
	if r.Hostname != "" && !hostNamePattern.MatchString(r.Hostname) {
		errs = append(errs, fmt.Errorf("hostname %q is not a DNS name", r.Hostname))
	}
	for _, s := range r.DNS.Servers {
		if _, err := netip.ParseAddr(s); err != nil {
			errs = append(errs, fmt.Errorf("dns server %q is not an IP address", s))
		}
	}
	for _, w := range append(append([]string(nil), r.DNS.Searches...), r.DNS.Options...) {
		if !dnsWordPattern.MatchString(w) {
			errs = append(errs, fmt.Errorf("dns search or option %q holds a character that resolv.conf does not allow", w))
		}
	}
	for name, ip := range r.ExtraHosts {
		if _, err := netip.ParseAddr(ip); err != nil || !hostNamePattern.MatchString(name) {
			errs = append(errs, fmt.Errorf("extra host %q: %q is not a host name with an IP address", name, ip))
		}
	}
	return errors.Join(errs...)
}

// validate reports everything wrong with one port.
func (p Port) validate() error {
	if p.Host < 1 || p.Host > 65535 {
		return fmt.Errorf("port %q: host port %d is not between 1 and 65535", p.Label, p.Host)
	}
	if p.To > 65535 {
		return fmt.Errorf("port %q: port %d inside the allocation is above 65535", p.Label, p.To)
	}
	if _, err := p.hostAddr(); err != nil {
		return err
	}
	for _, proto := range p.Protocols {
		if proto != "tcp" && proto != "udp" {
			return fmt.Errorf("port %q: protocol %q is neither tcp nor udp", p.Label, proto)
		}
	}
	return nil
}

// hostAddr is the machine's address to publish on; the zero Addr means every local one.
func (p Port) hostAddr() (netip.Addr, error) {
	if p.HostIP == "" {
		return netip.Addr{}, nil
	}
	addr, err := netip.ParseAddr(p.HostIP)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("port %q: host address %q is not an IP address", p.Label, p.HostIP)
	}
	addr = addr.Unmap()
	if addr.IsUnspecified() {
		return netip.Addr{}, nil
	}
	if !addr.Is4() {
		return netip.Addr{}, fmt.Errorf("port %q: host address %s is IPv6, and ports of the bridge are published on IPv4: choose a host_network with an IPv4 address", p.Label, addr)
	}
	return addr, nil
}

// inside is the port in the allocation.
func (p Port) inside() int {
	if p.To <= 0 {
		return p.Host
	}
	return p.To
}

// protocols are the protocols to publish, each once.
func (p Port) protocols() []string {
	if len(p.Protocols) == 0 {
		return []string{"tcp", "udp"}
	}
	var out []string
	for _, proto := range []string{"tcp", "udp"} {
		for _, have := range p.Protocols {
			if strings.EqualFold(have, proto) {
				out = append(out, proto)
				break
			}
		}
	}
	return out
}
