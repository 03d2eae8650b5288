package network

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"

	"github.com/hashicorp/go-hclog"
)

// The bounds of the bridge's subnet: a wider one would cost megabytes of bitmap, a narrower one holds no allocation.
const (
	subnetBitsMin = 12
	subnetBitsMax = 29
)

// Config says where a Manager works. Two Managers on one machine need different Bridge, Subnet, Table and StateDir.
type Config struct {
	// Bridge is the name of the bridge interface, default "berth0"; the client's `bridge_network_name`.
	Bridge string
	// Subnet is the IPv4 network of the bridge, default 172.26.64.0/20; the client's `bridge_network_subnet`. Its first
	// address is the bridge's own. Between /12 and /29; a bridge holds 1,023 allocations at most, whatever the subnet.
	Subnet netip.Prefix
	// Table is the name of the nftables tables (one of family inet, one of family bridge), default "berth".
	Table string
	// NetNSDir is where namespaces are bind-mounted, default /run/berth/netns: files <bridge>/<allocation id>. It must be
	// in the mount namespace in which the tasks' runtime opens the paths.
	NetNSDir string
	// StateDir holds one folder per allocation: resolv.conf, hosts and the record of what was made. It must survive the
	// agent and must not be shared between agents. Required, absolute.
	StateDir string
	// HairpinMode sets the bridge port flag of that name. Without it, it is set only where a call of an allocation to its
	// own published port needs it: on machines with br_netfilter.
	HairpinMode bool
	// MTU of the bridge and the veths in bytes; 0 takes that of the interface of the default route.
	MTU int
	// AllowMetadata lets allocations in bridge mode reach the clouds' metadata service, 169.254.169.254. Default no:
	// it often hands out the machine's own credentials. DNS on that address is always let through.
	AllowMetadata bool
	// AgentPorts are TCP ports of this machine that allocations in bridge mode may not reach: the agent's own. Empty
	// closes none.
	AgentPorts []uint16
	// Logger is where degraded situations are told; nil discards.
	Logger hclog.Logger
}

// interfaceNamePattern keeps names that the kernel, nft's grammar and a path all take literally.
var interfaceNamePattern = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_-]{0,14}$`)

// tableNamePattern is what nft takes as a table name without quoting.
var tableNamePattern = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_-]{0,63}$`)

// withDefaults returns the configuration with every optional field filled in.
func (c Config) withDefaults() Config {
	if c.Bridge == "" {
		c.Bridge = "berth0"
	}
	if !c.Subnet.IsValid() {
		c.Subnet = netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 26, 64, 0}), 20)
	}
	if c.Table == "" {
		c.Table = "berth"
	}
	if c.NetNSDir == "" {
		c.NetNSDir = "/run/berth/netns"
	}
	if c.Logger == nil {
		c.Logger = hclog.NewNullLogger()
	}
	return c
}

// validate reports everything wrong with a configuration whose defaults are filled in.
func (c Config) validate() error {
	var errs []error
	if !interfaceNamePattern.MatchString(c.Bridge) {
		errs = append(errs, fmt.Errorf("bridge name %q is not an interface name of 1 to 15 letters, digits, '_' or '-': set client.bridge_network_name", c.Bridge))
	}
	switch {
	case !c.Subnet.Addr().Is4():
		errs = append(errs, fmt.Errorf("bridge subnet %s is not IPv4: set client.bridge_network_subnet", c.Subnet))
	case c.Subnet.Bits() < subnetBitsMin || c.Subnet.Bits() > subnetBitsMax:
		errs = append(errs, fmt.Errorf("bridge subnet %s must be between /%d and /%d: set client.bridge_network_subnet", c.Subnet, subnetBitsMin, subnetBitsMax))
	case c.Subnet.Masked() != c.Subnet:
		errs = append(errs, fmt.Errorf("bridge subnet %s has host bits set, did you mean %s: set client.bridge_network_subnet", c.Subnet, c.Subnet.Masked()))
	}
	if !tableNamePattern.MatchString(c.Table) {
		errs = append(errs, fmt.Errorf("nftables table name %q must be a letter or '_' and then letters, digits, '_' or '-'", c.Table))
	}
	if !filepath.IsAbs(c.NetNSDir) {
		errs = append(errs, fmt.Errorf("network namespace folder %q is not an absolute path", c.NetNSDir))
	}
	if !filepath.IsAbs(c.StateDir) {
		errs = append(errs, fmt.Errorf("network state folder %q is not an absolute path", c.StateDir))
	}
	if c.MTU != 0 && (c.MTU < 576 || c.MTU > 65535) {
		errs = append(errs, fmt.Errorf("bridge MTU %d must be 0 (derive it) or between 576 and 65535", c.MTU))
	}
	return errors.Join(errs...)
}

// gateway is the bridge's own address: the first of the subnet.
func (c Config) gateway() netip.Addr { return c.Subnet.Addr().Next() }
