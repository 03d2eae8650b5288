package config

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"berth/structs"
)

// builder lays files over a configuration.
type builder struct {
	c         *Config
	at        addresses
	expectSet bool // bootstrap_expect stands in a file
	file      string
	errs      []error
}

func (b *builder) fail(format string, args ...any) {
	b.errs = append(b.errs, fmt.Errorf("%s: %s", b.file, fmt.Sprintf(format, args...)))
}

func (b *builder) warn(format string, args ...any) {
	b.c.Warnings = append(b.c.Warnings, fmt.Sprintf("%s: %s", b.file, fmt.Sprintf(format, args...)))
}

// set takes over what was written.
func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

func (b *builder) duration(to *time.Duration, from *string, name string) {
	if from == nil {
		return
	}
	d, err := time.ParseDuration(*from)
	if err != nil || d < 0 {
		b.fail("%s = %q is not a duration; write for example \"30s\" or \"5m\"", name, *from)
		return
	}
	*to = d
}

func (b *builder) stringMap(to *map[string]string, from map[string]string, blocks []free) {
	out := maps.Clone(*to)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, from)
	for _, f := range blocks {
		m, err := f.strings()
		if err != nil {
			b.errs = append(b.errs, err)
			continue
		}
		maps.Copy(out, m)
	}
	if len(out) > 0 {
		*to = out
	}
}

// port checks a port number.
func (b *builder) port(to *int, from *int, name string) {
	if from == nil {
		return
	}
	if *from < 1 || *from > 65535 {
		b.fail("%s = %d is not a port", name, *from)
		return
	}
	*to = *from
}

func (b *builder) apply(name string, f *file) {
	b.file = name
	c := b.c
	set(&c.Region, f.Region)
	set(&c.Datacenter, f.Datacenter)
	set(&c.JoinToken, f.JoinToken)
	set(&c.Name, f.Name)
	set(&c.DataDir, f.DataDir)
	set(&c.BindAddr, f.BindAddr)
	set(&c.LogLevel, f.LogLevel)
	set(&c.LogJSON, f.LogJSON)
	set(&c.LogFile, f.LogFile)
	set(&c.Debug, f.EnableDebug)
	b.stringMap(&c.Headers, f.Headers, f.HeaderBlocks)
	if p := f.Ports; p != nil {
		b.port(&b.at.httpPort, p.HTTP, "ports.http")
		b.port(&b.at.rpcPort, p.RPC, "ports.rpc")
		b.port(&b.at.serfPort, p.Serf, "ports.serf")
	}
	if f.Addresses != nil {
		set(&b.at.http, f.Addresses.HTTP)
		set(&b.at.rpc, f.Addresses.RPC)
		set(&b.at.serf, f.Addresses.Serf)
	}
	if f.Advertise != nil {
		set(&b.at.adRPC, f.Advertise.RPC)
		set(&b.at.adSerf, f.Advertise.Serf)
	}
	if f.LeaveOnInterrupt != nil && *f.LeaveOnInterrupt || f.LeaveOnTerminate != nil && *f.LeaveOnTerminate {
		c.Server.LeaveOnStop = true
	}
	if f.Autopilot != nil {
		b.autopilot(f.Autopilot)
	}
	if l := f.Limits; l != nil {
		b.limits(l)
	}
	c.AllowedHosts = append(c.AllowedHosts, f.AllowedHosts...)
	c.AllowedOrigins = append(c.AllowedOrigins, f.AllowedOrigins...)
	if f.Telemetry != nil {
		b.telemetry(f.Telemetry)
	}
	b.refuse(f)
	if f.Server != nil {
		b.server(f.Server)
	}
	if f.Client != nil {
		b.client(f.Client)
	}
	for _, p := range f.Plugins {
		b.plugin(p)
	}
}

// refuse names what is asked for and not there.
func (b *builder) refuse(f *file) {
	if f.ACL != nil {
		b.acl(f.ACL)
	}
	if f.TLS != nil {
		b.tls(f.TLS)
	}
	if f.EnableSyslog != nil && *f.EnableSyslog {
		b.fail("enable_syslog: logs go to standard error; let the service manager pass them on, or set log_file")
	}
	b.ignored(f)
}

func (b *builder) client(k *clientBlock) {
	c := &b.c.Client
	set(&c.Enabled, k.Enabled)
	set(&c.AllocDir, k.AllocDir)
	set(&c.NodeClass, k.NodeClass)
	set(&c.NodePool, k.NodePool)
	b.stringMap(&c.Meta, k.Meta, k.MetaBlocks)
	b.taints(k.Taints)
	set(&c.NetworkInterface, k.NetworkInterface)
	set(&c.CPUTotalMHz, k.CPUTotal)
	set(&c.MemoryTotalMB, k.MemoryTotal)
	set(&c.DiskTotalMB, k.DiskTotal)
	b.duration(&c.MaxKillTimeout, k.MaxKillTimeout, "client.max_kill_timeout")
	b.port(&c.MinDynamicPort, k.MinDynamicPort, "client.min_dynamic_port")
	b.port(&c.MaxDynamicPort, k.MaxDynamicPort, "client.max_dynamic_port")
	set(&c.GCMaxAllocs, k.GCMaxAllocs)
	set(&c.GCDiskPercent, k.GCDiskUsage)
	set(&c.DisableExec, k.DisableExec)
	b.drain(k.Drain)
	set(&c.Bridge, k.Bridge)
	set(&c.BridgeSubnet, k.BridgeSubnet)
	set(&c.Hairpin, k.Hairpin)
	set(&c.CgroupParent, k.CgroupParent)
	b.clientServers(k.Servers)
	for _, j := range k.ServerJoin {
		b.serverJoin("client.server_join", j, b.clientServers)
	}
	if k.CNIPath != nil || k.CNIConfigDir != nil {
		b.warn("client.cni_path and cni_config_dir have no effect: bridge networks need no plugins")
	}
	if len(k.Options)+len(k.OptionBlocks) > 0 {
		b.warn("client.options has no effect: drivers are set in plugin blocks")
	}
	if r := k.Reserved; r != nil {
		set(&c.Reserved.Cpu.CpuShares, r.CPU)
		set(&c.Reserved.Memory.MemoryMB, r.Memory)
		set(&c.Reserved.Disk.DiskMB, r.Disk)
		set(&c.Reserved.Networks.ReservedHostPorts, r.Ports)
		if r.Cores != nil {
			cores, err := parseCores(*r.Cores)
			if err != nil {
				b.fail("client.reserved.cores: %v", err)
			}
			c.Reserved.Cpu.ReservedCpuCores = cores
		}
	}
	for _, v := range k.HostVolumes {
		if !filepath.IsAbs(v.Path) {
			b.fail("host_volume %q: path %q is not absolute", v.Name, v.Path)
			continue
		}
		if st, err := os.Stat(v.Path); err != nil || !st.IsDir() {
			b.fail("host_volume %q: %s is not a directory of this machine", v.Name, v.Path)
			continue
		}
		if c.HostVolumes == nil {
			c.HostVolumes = map[string]*structs.HostVolumeConfig{}
		}
		c.HostVolumes[v.Name] = &structs.HostVolumeConfig{Name: v.Name, Path: v.Path, ReadOnly: v.ReadOnly != nil && *v.ReadOnly}
	}
	for _, n := range k.HostNetworks {
		if c.HostNetworks == nil {
			c.HostNetworks = map[string]*structs.HostNetworkConfig{}
		}
		hn := &structs.HostNetworkConfig{Name: n.Name}
		set(&hn.CIDR, n.CIDR)
		set(&hn.Interface, n.Interface)
		set(&hn.ReservedPorts, n.Ports)
		c.HostNetworks[n.Name] = hn
	}
}

// taints reads the node's taints, each as key=value:effect.
func (b *builder) taints(texts []string) {
	if texts == nil {
		return
	}
	taints := make([]*structs.Taint, 0, len(texts))
	for _, text := range texts {
		t, err := structs.ParseTaint(text)
		if err != nil {
			b.fail("client.taints: %v", err)
			return
		}
		taints = append(taints, t)
	}
	if err := structs.CheckTaints(taints); err != nil {
		b.fail("client.taints: %v", err)
		return
	}
	b.c.Client.Taints = taints
}

func (b *builder) clientServers(addrs []string) {
	for _, a := range addrs {
		if addr, ok := b.address("client.servers", a, PortRPC); ok {
			b.c.Client.Servers = append(b.c.Client.Servers, addr)
		}
	}
}

// parseCores reads "0-2,5".
func parseCores(text string) ([]uint16, error) {
	var out []uint16
	for part := range strings.SplitSeq(text, ",") {
		lo, hi, isRange := strings.Cut(strings.TrimSpace(part), "-")
		first, err := strconv.ParseUint(lo, 10, 12)
		last := first
		if err == nil && isRange {
			last, err = strconv.ParseUint(hi, 10, 12)
		}
		if err != nil || last < first {
			return nil, fmt.Errorf("%q is not a list of cores such as \"0-2,5\"", text)
		}
		for i := first; i <= last; i++ {
			out = append(out, uint16(i))
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func (b *builder) plugin(p pluginBlock) {
	if p.Name != "docker" && p.Name != "containerd" {
		b.fail("plugin %q: this version has the drivers containerd and docker; remove the block", p.Name)
		return
	}
	k := p.Config
	if k == nil {
		return
	}
	d := &b.c.Driver
	if p.Name == "containerd" {
		set(&d.Address, k.Endpoint)
	} else if k.Endpoint != nil {
		b.warn(`plugin "docker": endpoint has no effect: containers are run by containerd; plugin "containerd" can name another one`)
	}
	set(&d.Runc, k.Runtime)
	set(&d.AllowPrivileged, k.AllowPrivileged)
	set(&d.AllowHostNetwork, k.AllowHostNet)
	set(&d.PidsLimit, k.PidsLimit)
	b.duration(&d.PullTimeout, k.PullTimeout, "image_pull_timeout")
	if k.AllowCaps != nil {
		d.AllowCaps = nil
		for _, name := range k.AllowCaps {
			d.AllowCaps = append(d.AllowCaps, strings.TrimPrefix(strings.ToUpper(name), "CAP_"))
		}
	}
	if k.AllowDevices != nil {
		d.AllowDevices = k.AllowDevices
	}
	if v := k.Volumes; v != nil {
		set(&d.VolumesEnabled, v.Enabled)
		d.VolumePaths = v.Paths
	}
	if len(k.Auth) > 0 {
		b.fail("plugin %q: auth: credentials stand in the task's own auth block in this version", p.Name)
	}
}

// validate finds what cannot be run.
func (c *Config) validate() []error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Client.Enabled && !c.Server.Enabled && len(c.Client.Servers) == 0 && c.JoinToken == "" && !c.Joined {
		fail("a client without a server knows nobody to work for: start it with the line that `berth operator join-token create -role client` prints on a server, or set server { enabled = true }")
	}
	for _, x := range []struct{ name, addr string }{{"rpc", c.RPCBind}, {"serf", c.SerfBind}} {
		if host, _, err := net.SplitHostPort(x.addr); err == nil {
			if _, err := netip.ParseAddr(host); err != nil {
				fail("address %q (%s) is not an IP address: set bind_addr or addresses.%s to one", host, x.name, x.name)
			}
		}
	}
	if c.DataDir == "" && !c.Dev {
		fail("data_dir is not set: name the directory that keeps state and images, such as data_dir = \"/var/lib/berth\" or -data-dir=/var/lib/berth")
	}
	if host, _, err := net.SplitHostPort(c.HTTPAddr); err == nil {
		if ip, err := netip.ParseAddr(host); err != nil {
			fail("address %q of the API is not an IP address: set bind_addr or addresses.http to one", host)
		} else if !ip.IsLoopback() && c.TLS.HTTP && !c.TLS.VerifyHTTPSClient && !c.ACL.Enabled {
			fail("the API would listen on %s for everybody: set tls { verify_https_client = true }, so that only callers with a certificate are answered, or acl { enabled = true }, so that they need a token, or bind it to loopback (addresses { http = \"127.0.0.1\" })", c.HTTPAddr)
		} else if !ip.IsLoopback() && !c.TLS.HTTP {
			fail("the API would listen on %s without encryption: set bind_addr = \"127.0.0.1\" (or addresses { http = \"127.0.0.1\" })", c.HTTPAddr)
		}
	}
	if !slices.Contains([]string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR"}, strings.ToUpper(c.LogLevel)) {
		fail("log_level %q is not known: use TRACE, DEBUG, INFO, WARN or ERROR", c.LogLevel)
	}
	c.checkAuthority()
	if c.ACL.MinExpiration > c.ACL.MaxExpiration {
		fail("acl.token_min_expiration_ttl %s is above token_max_expiration_ttl %s", c.ACL.MinExpiration, c.ACL.MaxExpiration)
	}
	if c.Client.MinDynamicPort > c.Client.MaxDynamicPort {
		fail("client.min_dynamic_port %d is above max_dynamic_port %d", c.Client.MinDynamicPort, c.Client.MaxDynamicPort)
	}
	if s := c.Client.BridgeSubnet; s != "" {
		if _, err := netip.ParsePrefix(s); err != nil {
			fail("client.bridge_network_subnet %q is not a network such as \"172.26.64.0/20\"", s)
		}
	}
	return errs
}
