package structs

import (
	"net/netip"
	"strconv"
	"strings"
)

// checkNetworks checks the networks of the group and the legacy ones of its tasks, whose ports share one set of labels.
func (c *checker) checkNetworks(p *place, g *TaskGroup) portSet {
	labels, static, args := portSet{}, map[string]string{}, map[string]bool{}
	for i, n := range g.Networks {
		at := p.item("Networks", i)
		if i == 1 {
			c.warn(at, "the group has %d network blocks; only the first decides the mode", len(g.Networks))
		}
		c.checkNetwork(at, n)
		c.checkCNI(at.in("CNI"), n.CNI, args)
		c.checkPorts(at, n, labels, static)
	}
	for i, t := range g.Tasks {
		if t.Resources == nil {
			continue
		}
		for k, n := range t.Resources.Networks {
			at := p.item("Tasks", i).in("Resources").item("Networks", k)
			c.warn(at, "a network in task resources is deprecated").Hint = "write the network block in the group"
			c.checkNetwork(at, n)
			c.checkCNI(at.in("CNI"), n.CNI, args)
			c.checkPorts(at, n, labels, static)
		}
	}
	return labels
}

func (c *checker) checkNetwork(p *place, n *NetworkResource) {
	if name, ok := strings.CutPrefix(n.Mode, "cni/"); ok {
		if !word(name, 128, ".") {
			c.fault(p.in("Mode"), "mode is %q; after cni/ comes the name of a network configuration", clip(n.Mode))
		}
	} else if n.Mode != NetworkModeHost && n.Mode != NetworkModeBridge && n.Mode != NetworkModeNone {
		c.fault(p.in("Mode"), `mode is %q; it must be "host", "bridge", "none" or "cni/<name>"`, clip(n.Mode)).Hint =
			didYouMean(n.Mode, []string{NetworkModeHost, NetworkModeBridge, NetworkModeNone, "cni/"})
	}
	if n.Hostname != "" && !strings.Contains(n.Hostname, "${") && !hostname(n.Hostname) {
		c.fault(p.in("Hostname"), "hostname %q is not a DNS name", clip(n.Hostname)).Hint = "use letters, digits, - and ., at most 63 between dots"
	}
	if n.Hostname != "" && n.Mode == NetworkModeHost {
		c.warn(p.in("Hostname"), "hostname has no effect in mode host").Hint = `write mode = "bridge"`
	}
	if val(n.MBits) > 0 {
		c.warn(p.in("MBits"), "mbits is deprecated and ignored").Hint = "remove it"
	}
	if n.DNS != nil {
		for i, s := range n.DNS.Servers {
			if _, err := netip.ParseAddr(s); err != nil && !strings.Contains(s, "${") {
				c.fault(p.in("DNS").item("Servers", i), "dns server %q is not an IP address", clip(s))
			}
		}
	}
}

// checkCNI checks arguments of CNI plugins: all networks of a group give theirs to one call, so that each may be there once.
func (c *checker) checkCNI(p *place, cfg *CNIConfig, seen map[string]bool) {
	if cfg == nil {
		return
	}
	for _, k := range sortedKeys(cfg.Args) {
		if strings.Contains(k, ";") || strings.Contains(cfg.Args[k], ";") {
			c.fault(p.key("Args", k), "the cni argument %q has a ; in it", clip(k))
		}
		if seen[k] {
			c.fault(p.key("Args", k), "the cni argument %q is in another network of the group", clip(k)).Hint = "keep one of them"
		}
		seen[k] = true
	}
}

func (c *checker) checkPorts(p *place, n *NetworkResource, labels portSet, static map[string]string) {
	for _, list := range []struct {
		field string
		ports []Port
	}{{"ReservedPorts", n.ReservedPorts}, {"DynamicPorts", n.DynamicPorts}} {
		for i, port := range list.ports {
			at := p.item(list.field, i)
			switch {
			case port.Label == "" || strings.ContainsAny(port.Label, " \t\n\x00"):
				c.fault(at.in("Label"), "port label %q is empty or has white space in it", clip(port.Label))
			case labels[port.Label]:
				c.fault(at.in("Label"), "port %q is there twice", clip(port.Label)).Hint = "port labels must be unique in a group, its tasks included"
			}
			labels[port.Label] = true
			c.checkPort(at, n, port, static)
		}
	}
}

func (c *checker) checkPort(p *place, n *NetworkResource, port Port, static map[string]string) {
	if port.Value < 0 || port.Value > 65535 {
		c.fault(p.in("Value"), "static is %d; a port is between 1 and 65535", port.Value)
	} else if port.Value > 0 && !port.IgnoreCollision {
		key := port.HostNetwork + "/" + strconv.Itoa(port.Value)
		if other, taken := static[key]; taken {
			c.fault(p.in("Value"), "port %q has the static number %d, which port %q has already", clip(port.Label), port.Value, clip(other))
		}
		static[key] = port.Label
	}
	if port.To < -1 || port.To > 65535 {
		c.fault(p.in("To"), "to is %d; it must be a port, 0 for none or -1 for the same as on the host", port.To)
	}
	if port.IgnoreCollision && n.Mode != NetworkModeHost {
		c.fault(p.in("IgnoreCollision"), "ignore_collision is for mode host; this network has mode %s", clip(n.Mode))
	}
}

// hostname reports a DNS name: labels of letters, digits and inner hyphens.
func hostname(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if !dnsLabel(label) {
			return false
		}
	}
	return true
}

func dnsLabel(s string) bool {
	return word(s, 63, "") && !strings.Contains(s, "_") && s[0] != '-' && s[len(s)-1] != '-'
}
