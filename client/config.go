package client

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"

	"berth/client/allocrunner"
	"berth/client/network"
	"berth/drivers"
	"berth/internal/idgen"
	"berth/structs"
)

// Network is what the node asks of the allocations' networks; *network.Manager is one.
type Network interface {
	allocrunner.Network
	// Sync makes the machine hold exactly the networks of keep.
	Sync(ctx context.Context, keep []network.Request) error
	// Watch puts back what others remove of the networks, until ctx is done.
	Watch(ctx context.Context) error
	// RemoveAll removes everything the network made, bridge and rules included.
	RemoveAll(ctx context.Context) error
}

// Config is a node's configuration.
type Config struct {
	// DataDir holds what must survive the agent. Required, absolute.
	DataDir string
	// AllocDir holds the allocations' directories; default DataDir/alloc.
	AllocDir string
	// NodeName is shown to people; default the host's name.
	NodeName string
	// Datacenter, default "dc1"; NodePool, default "default"; Region, default "global".
	Datacenter, NodePool, Region string
	NodeClass                    string
	Meta                         map[string]string
	// Taints keep allocations away that do not tolerate them.
	Taints []*structs.Taint
	// HTTPAddr is where the agent's API is reached, for the node's description.
	HTTPAddr string

	Drivers []drivers.Driver
	Network Network
	// PortsTaken finds ports that processes of the machine listen on, such as network.TakenPorts; nil looks at none.
	PortsTaken func([]network.Port) ([]network.TakenPort, error)
	// NetworkInterface is whose address the node advertises; "" is that of the default route.
	NetworkInterface string
	// HostVolumes and HostNetworks are what the node offers by name.
	HostVolumes  map[string]*structs.HostVolumeConfig
	HostNetworks map[string]*structs.HostNetworkConfig
	// CgroupParent is the cgroup below which tasks live, below each hierarchy's root; default "berth".
	CgroupParent string
	// Reserved is kept from the scheduler for the host itself.
	Reserved structs.NodeReservedResources
	// CPUTotalMHz, MemoryTotalMB and DiskTotalMB replace what is found on the host; 0 takes what is found.
	CPUTotalMHz, MemoryTotalMB, DiskTotalMB int64
	// MinDynamicPort and MaxDynamicPort bound the ports given by the scheduler; default 20000 and 32000.
	MinDynamicPort, MaxDynamicPort int
	// MaxKillTimeout bounds the tasks' kill_timeout; default 30 s.
	MaxKillTimeout time.Duration
	// GCMaxAllocs is how many ended allocations keep their files; default 50. GCDiskUsagePercent is the use of the disk
	// above which the oldest go anyway; default 80.
	GCMaxAllocs        int
	GCDiskUsagePercent float64
	// FingerprintEvery is how often the machine and its drivers are looked at again; default 1 min. Programs (runc, nft) are
	// run for it, so that more often costs an idle node.
	FingerprintEvery time.Duration
	// NewID makes the node's identity at its first start; nil is random.
	NewID func() structs.ID
	// Dev: nothing is kept when the agent ends.
	Dev    bool
	Logger hclog.Logger
}

func (c Config) withDefaults() Config {
	text := func(p *string, d string) {
		if *p == "" {
			*p = d
		}
	}
	text(&c.AllocDir, filepath.Join(c.DataDir, "alloc"))
	text(&c.Datacenter, "dc1")
	text(&c.NodePool, structs.DefaultNodePool)
	text(&c.Region, "global")
	text(&c.CgroupParent, "berth")
	number := func(p *int, d int) {
		if *p == 0 {
			*p = d
		}
	}
	number(&c.MinDynamicPort, 20000)
	number(&c.MaxDynamicPort, 32000)
	number(&c.GCMaxAllocs, 50)
	if c.GCDiskUsagePercent == 0 {
		c.GCDiskUsagePercent = 80
	}
	if c.MaxKillTimeout == 0 {
		c.MaxKillTimeout = 30 * time.Second
	}
	if c.FingerprintEvery == 0 {
		c.FingerprintEvery = time.Minute
	}
	if c.NewID == nil {
		c.NewID = idgen.Random().NewID
	}
	if c.Logger == nil {
		c.Logger = hclog.NewNullLogger()
	}
	return c
}

func (c Config) validate() error {
	var errs []error
	if !filepath.IsAbs(c.DataDir) {
		errs = append(errs, fmt.Errorf("data directory %q of the client is not an absolute path: set data_dir", c.DataDir))
	}
	if c.MinDynamicPort < 1 || c.MaxDynamicPort > 65535 || c.MinDynamicPort > c.MaxDynamicPort {
		errs = append(errs, fmt.Errorf("dynamic ports from %d to %d are not a range between 1 and 65535: set client.min_dynamic_port and client.max_dynamic_port",
			c.MinDynamicPort, c.MaxDynamicPort))
	}
	if c.Network == nil {
		errs = append(errs, errors.New("the client has no network"))
	}
	return errors.Join(errs...)
}
