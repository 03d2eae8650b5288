package httpapi

import (
	"net"
	"os"
	"slices"
	"strings"

	"berth/api"
	"berth/client/hoststats"
)

// shownEnvironment are the variables whose values are shown; of all others only the names are.
var shownEnvironment = []string{"GODEBUG", "GOGC", "GOMAXPROCS", "GOMEMLIMIT", "GOTRACEBACK", "HOME", "HOSTNAME", "LANG", "LC_ALL", "LOGNAME", "PATH", "PWD", "SHELL", "TERM",
	"TZ", "USER", "INVOCATION_ID", "JOURNAL_STREAM", "NOTIFY_SOCKET"}

// maxHostFile bounds what is shown of a file of the machine, in bytes.
const maxHostFile = 64 << 10

// agentHost describes the machine, without the secrets of its environment.
func (a *API) agentHost(r *request) (any, error) {
	if err := r.debug(); err != nil {
		return nil, err
	}
	out := &api.AgentHost{AgentID: a.agentID(), HostData: api.HostData{OS: hostFile("/proc/version"), ResolvConf: hostFile("/etc/resolv.conf"), Hosts: hostFile("/etc/hosts"),
		Network: []map[string]string{}, Environment: map[string]string{}, Disk: map[string]api.HostDisk{}}}
	h := &out.HostData
	if all, err := net.Interfaces(); err == nil {
		for _, i := range all {
			addrs, err := i.Addrs()
			if err != nil {
				continue // it went away
			}
			for _, addr := range addrs {
				h.Network = append(h.Network, map[string]string{"interface": i.Name, "address": addr.String()})
			}
		}
	}
	for _, kv := range os.Environ() {
		name, value, _ := strings.Cut(kv, "=")
		if !slices.Contains(shownEnvironment, name) {
			value = redacted
		}
		h.Environment[name] = value
	}
	var sampler hoststats.Sampler
	stats, err := sampler.Sample(a.Config.DataDir, 0)
	if err != nil {
		return nil, err
	}
	for _, d := range stats.DiskStats {
		h.Disk[d.Mountpoint] = api.HostDisk{Total: d.Size, Used: d.Used, Available: d.Available, UsedPercent: d.UsedPercent}
	}
	return out, nil
}

// agentID is the server's id, or the node's on an agent without a server.
func (a *API) agentID() string {
	if a.Config.Server.Enabled {
		return a.Server.ID().String()
	}
	if a.Client != nil {
		return a.Client.NodeID().String()
	}
	return ""
}

// hostFile is a file of the machine, "" when it cannot be read.
func hostFile(name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	return strings.TrimRight(string(b[:min(len(b), maxHostFile)]), "\n")
}
