package scheduler_test

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"berth/structs"
)

// split cuts a line into words; "double quotes" keep spaces, # begins a remark.
func split(line string) ([]string, error) {
	var words []string
	var b strings.Builder
	quoted, any := false, false
	for _, r := range line {
		switch {
		case r == '"':
			quoted, any = !quoted, true
		case !quoted && r == '#' && b.Len() == 0:
			return words, nil
		case !quoted && (r == ' ' || r == '\t' || r == '\n'):
			if any || b.Len() > 0 {
				words = append(words, b.String())
			}
			b.Reset()
			any = false
		default:
			b.WriteRune(r)
		}
	}
	if quoted {
		return nil, fmt.Errorf("a quote is not closed")
	}
	if any || b.Len() > 0 {
		words = append(words, b.String())
	}
	return words, nil
}

// jobOf reads a job's short form: words about the job, then for each group= words about the group.
func jobOf(id string, words []string) (*structs.Job, error) {
	j := &structs.Job{ID: id, Name: id, Namespace: "default", Type: structs.JobTypeService, Datacenters: []string{"*"}}
	var g *structs.TaskGroup
	group := func() *structs.TaskGroup {
		if g == nil {
			g = newGroup(id)
			j.TaskGroups = append(j.TaskGroups, g)
		}
		return g
	}
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		if key == "group" {
			g = newGroup(value)
			j.TaskGroups = append(j.TaskGroups, g)
			continue
		}
		if known, err := jobWord(j, key, value); err != nil {
			return nil, fmt.Errorf("%s: %w", word, err)
		} else if known {
			continue
		}
		if err := groupWord(group(), key, value); err != nil {
			return nil, fmt.Errorf("%s: %w", word, err)
		}
	}
	group()
	j.Canonicalize()
	return j, nil
}

func newGroup(name string) *structs.TaskGroup {
	return &structs.TaskGroup{Name: name, Count: new(1), Tasks: []*structs.Task{{
		Name: "main", Driver: "docker", Config: map[string]any{"image": "one"},
		Resources: &structs.Resources{CPU: new(100), MemoryMB: new(100)},
	}}}
}

func jobWord(j *structs.Job, key, value string) (known bool, err error) {
	switch key {
	case "type":
		j.Type = value
	case "ns":
		j.Namespace = value
	case "priority":
		j.Priority, err = strconv.Atoi(value)
	case "dc":
		j.Datacenters = strings.Split(value, ",")
	case "pool":
		j.NodePool = value
	case "all_at_once":
		j.AllAtOnce = true
	case "meta":
		k, v, _ := strings.Cut(value, ":")
		j.Meta = map[string]string{k: v}
	case "depends": // depends=db:healthy, depends=db:complete:fail
		parts := strings.Split(value+":", ":")
		j.DependsOn = append(j.DependsOn, &structs.Dependency{Job: parts[0], Condition: parts[1], OnFailure: parts[2]})
	case "job_toleration":
		t, e := tolerationOf(value)
		j.Tolerations, err = append(j.Tolerations, t), e
	case "class": // class=name:value:policy, resolved as at admission
		parts := strings.Split(value, ":")
		n, e := strconv.Atoi(parts[1])
		j.PriorityClass, j.Priority, j.PreemptionPolicy, err = parts[0], n, parts[2], e
	case "job_constraint":
		j.Constraints = append(j.Constraints, constraintOf(value))
	case "job_distinct_hosts":
		j.Constraints = append(j.Constraints, &structs.Constraint{Operand: structs.OpDistinctHosts, RTarget: "true"})
	default:
		return false, nil
	}
	return true, err
}

// constraintOf reads "left operator right"; the right side may be missing.
func constraintOf(text string) *structs.Constraint {
	parts := strings.SplitN(text, " ", 3)
	c := &structs.Constraint{LTarget: parts[0]}
	if len(parts) > 1 {
		c.Operand = parts[1]
	}
	if len(parts) > 2 {
		c.RTarget = parts[2]
	}
	return c
}

func groupWord(g *structs.TaskGroup, key, value string) (err error) {
	t := g.Tasks[len(g.Tasks)-1]
	number := func() int {
		n, e := strconv.Atoi(value)
		if e != nil {
			err = e
		}
		return n
	}
	duration := func(text string) time.Duration {
		d, e := time.ParseDuration(text)
		if e != nil {
			err = e
		}
		return d
	}
	update := func() *structs.UpdateStrategy {
		if g.Update == nil {
			g.Update = &structs.UpdateStrategy{}
		}
		return g.Update
	}
	disconnect := func() *structs.DisconnectStrategy {
		if g.Disconnect == nil {
			g.Disconnect = &structs.DisconnectStrategy{}
		}
		return g.Disconnect
	}
	completion := func() *structs.Completion {
		if g.Completion == nil {
			g.Completion = &structs.Completion{}
		}
		return g.Completion
	}
	switch key {
	case "retries":
		completion().Retries = new(number())
	case "max_failed":
		completion().MaxFailed = new(number())
	case "success":
		completion().Success = new(number())
	case "on_exit": // on_exit=42,100-120:fail_job
		codes, action, _ := strings.Cut(value, ":")
		completion().Rules = append(completion().Rules, &structs.ExitRule{ExitCodes: strings.Split(codes, ","), Action: action})
	case "count":
		g.Count = new(number())
	case "task":
		g.Tasks = append(g.Tasks, &structs.Task{Name: value, Driver: "docker", Config: map[string]any{"image": "one"},
			Resources: &structs.Resources{CPU: new(100), MemoryMB: new(100)}})
	case "hook":
		hook, sidecar := strings.CutSuffix(value, "+sidecar")
		t.Lifecycle = &structs.TaskLifecycle{Hook: hook, Sidecar: sidecar}
	case "driver":
		t.Driver = value
	case "image":
		t.Config = map[string]any{"image": value}
	case "cpu":
		t.Resources.CPU = new(number())
	case "mem":
		t.Resources.MemoryMB = new(number())
	case "mem_max":
		t.Resources.MemoryMaxMB = new(number())
	case "cores":
		t.Resources.Cores, t.Resources.CPU = new(number()), nil
	case "device":
		asked, rule, ruled := strings.Cut(value, " ")
		name, count, _ := strings.Cut(asked, "*")
		d := &structs.RequestedDevice{Name: name}
		if left, rest, ok := strings.Cut(rule, " "); ruled && ok { // gpu*2 ${device.attr.memory} >= 10 GiB
			op, right, _ := strings.Cut(rest, " ")
			d.Constraints = []*structs.Constraint{{LTarget: left, Operand: op, RTarget: right}}
		}
		if count != "" {
			n, e := strconv.ParseUint(count, 10, 16)
			err, d.Count = e, &n
		}
		t.Resources.Devices = append(t.Resources.Devices, d)
	case "disk":
		g.EphemeralDisk = &structs.EphemeralDisk{SizeMB: new(number())}
	case "sticky":
		g.EphemeralDisk = &structs.EphemeralDisk{SizeMB: new(10), Sticky: new(true)}
	case "port":
		addPort(g, value)
	case "volume":
		source, ro := strings.CutSuffix(value, ":ro")
		g.Volumes = map[string]*structs.VolumeRequest{source: {Name: source, Type: "host", Source: source, ReadOnly: ro}}
	case "per_alloc":
		g.Volumes = map[string]*structs.VolumeRequest{value: {Name: value, Type: "host", Source: value, PerAlloc: true}}
	case "network":
		g.Networks = append(g.Networks, &structs.NetworkResource{Mode: value})
	case "constraint":
		g.Constraints = append(g.Constraints, constraintOf(value))
	case "distinct_hosts":
		g.Constraints = append(g.Constraints, &structs.Constraint{Operand: structs.OpDistinctHosts, RTarget: "true"})
	case "distinct_property":
		target, limit, _ := strings.Cut(value, " ")
		g.Constraints = append(g.Constraints, &structs.Constraint{LTarget: target, Operand: structs.OpDistinctProperty, RTarget: limit})
	case "affinity":
		text, weight, _ := strings.Cut(value, " @")
		c := constraintOf(text)
		n, e := strconv.ParseInt(weight, 10, 8)
		err = e
		g.Affinities = append(g.Affinities, &structs.Affinity{LTarget: c.LTarget, Operand: c.Operand, RTarget: c.RTarget, Weight: new(int8(n))})
	case "spread":
		g.Spreads = append(g.Spreads, spreadOf(value))
	case "gang":
		g.Gang = value
	case "gates":
		g.Gates = strings.Split(value, ",")
	case "group_meta":
		name, text, _ := strings.Cut(value, ":")
		g.Meta = map[string]string{name: text}
	case "max_skew":
		g.Spreads[len(g.Spreads)-1].MaxSkew = new(number())
	case "min_available":
		g.Disruption = &structs.Disruption{MinAvailable: value}
	case "max_unavailable":
		g.Disruption = &structs.Disruption{MaxUnavailable: value}
	case "toleration": // toleration="key=value:Effect 5m"
		t, e := tolerationOf(value)
		g.Tolerations, err = append(g.Tolerations, t), e
	case "peer": // peer="apart job=db-* meta.tier=data @${node.datacenter} 50"
		g.Peers = append(g.Peers, peerOf(value))
	case "max_parallel":
		update().MaxParallel = new(number())
	case "canary":
		update().Canary = new(number())
	case "progress":
		update().ProgressDeadline = new(duration(value))
	case "auto_promote":
		update().AutoPromote = new(true)
	case "auto_revert":
		update().AutoRevert = new(true)
	case "reschedule":
		g.ReschedulePolicy = rescheduleOf(value, duration)
	case "lost_after":
		disconnect().LostAfter = new(duration(value))
	case "stop_on_client_after":
		disconnect().StopOnClientAfter = new(duration(value))
	case "replace":
		disconnect().Replace = new(value == "true")
	case "reconcile":
		disconnect().Reconcile = new(value)
	case "migrate":
		g.Migrate = &structs.MigrateStrategy{MaxParallel: new(number())}
	default:
		return fmt.Errorf("unknown word")
	}
	return err
}

// addPort adds "label", "label:8080" or "label@network".
func addPort(g *structs.TaskGroup, text string) {
	if len(g.Networks) == 0 {
		g.Networks = []*structs.NetworkResource{{Mode: "host"}}
	}
	text, network, _ := strings.Cut(text, "@")
	label, static, fixed := strings.Cut(text, ":")
	p := structs.Port{Label: label, HostNetwork: network}
	if fixed {
		p.Value, _ = strconv.Atoi(static)
		g.Networks[0].ReservedPorts = append(g.Networks[0].ReservedPorts, p)
		return
	}
	g.Networks[0].DynamicPorts = append(g.Networks[0].DynamicPorts, p)
}

// spreadOf reads "${meta.rack} r1=70 r2=30 @80".
func spreadOf(text string) *structs.Spread {
	words := strings.Fields(text)
	s := &structs.Spread{Attribute: words[0]}
	for _, word := range words[1:] {
		if weight, ok := strings.CutPrefix(word, "@"); ok {
			n, _ := strconv.ParseInt(weight, 10, 8)
			s.Weight = new(int8(n))
			continue
		}
		value, percent, _ := strings.Cut(word, "=")
		n, _ := strconv.ParseUint(percent, 10, 8)
		s.SpreadTarget = append(s.SpreadTarget, &structs.SpreadTarget{Value: value, Percent: uint8(n)})
	}
	return s
}

// rescheduleOf reads "attempts=2,interval=1h,delay=30s,function=exponential,max=1h" or "unlimited,delay=…" or "never".
func rescheduleOf(text string, duration func(string) time.Duration) *structs.ReschedulePolicy {
	p := &structs.ReschedulePolicy{Unlimited: new(false), Attempts: new(0), DelayFunction: new("constant")}
	for part := range strings.SplitSeq(text, ",") {
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "unlimited":
			p.Unlimited = new(true)
		case "attempts":
			n, _ := strconv.Atoi(value)
			p.Attempts = new(n)
		case "interval":
			p.Interval = new(duration(value))
		case "delay":
			p.Delay = new(duration(value))
		case "function":
			p.DelayFunction = new(value)
		case "max":
			p.MaxDelay = new(duration(value))
		}
	}
	return p
}

// nodeOf reads a node's short form over an earlier one.
func nodeOf(n *structs.Node, words []string) (*structs.Node, error) {
	c := *n
	r := *n.NodeResources
	c.NodeResources = &r
	c.Attributes, c.Meta = cloned(n.Attributes), cloned(n.Meta)
	c.HostVolumes = map[string]*structs.HostVolumeConfig{}
	for name, v := range n.HostVolumes {
		c.HostVolumes[name] = v
	}
	c.Drivers = map[string]*structs.DriverInfo{"docker": {Detected: true, Healthy: true}}
	for name, d := range n.Drivers {
		c.Drivers[name] = d
	}
	var reserved structs.NodeReservedResources
	if n.ReservedResources != nil {
		reserved = *n.ReservedResources
	}
	c.ReservedResources = &reserved
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		number, err := strconv.ParseInt(value, 10, 64)
		switch {
		case key == "cpu":
			r.Cpu.CpuShares = number
		case key == "mem":
			r.Memory.MemoryMB = number
		case key == "disk":
			r.Disk.DiskMB = number
		case key == "cores":
			r.Cpu.TotalCpuCores, r.Cpu.ReservableCpuCores = uint16(number), nil
			for core := range uint16(number) {
				r.Cpu.ReservableCpuCores = append(r.Cpu.ReservableCpuCores, core)
			}
		case key == "max_allocs":
			c.NodeMaxAllocs = int(number)
		case key == "keeps_cpu":
			reserved.Cpu.CpuShares = number
		case key == "keeps_mem":
			reserved.Memory.MemoryMB = number
		case key == "class":
			err, c.NodeClass = nil, value
		case key == "dc":
			err, c.Datacenter = nil, value
		case key == "pool":
			err, c.NodePool = nil, value
		case key == "keeps_ports":
			err, reserved.Networks.ReservedHostPorts = nil, value
		case key == "dynamic":
			lo, hi, _ := strings.Cut(value, "-")
			r.MinDynamicPort, _ = strconv.Atoi(lo)
			r.MaxDynamicPort, err = strconv.Atoi(hi)
		case key == "ip":
			err = nil
			alias, ip, ok := strings.Cut(value, ":")
			if !ok {
				alias, ip = "default", value
			}
			nw := &structs.NodeNetworkResource{Mode: "host", Device: "eth0", Addresses: []structs.NodeNetworkAddress{{Alias: alias, Address: ip}}}
			r.NodeNetworks = append(r.NodeNetworks[:len(r.NodeNetworks):len(r.NodeNetworks)], nw)
		case key == "volume":
			err = nil
			name, ro := strings.CutSuffix(value, ":ro")
			c.HostVolumes[name] = &structs.HostVolumeConfig{Name: name, ReadOnly: ro}
		case key == "device":
			err = nil
			r.Devices = append(r.Devices[:len(r.Devices):len(r.Devices)], deviceOf(value))
		case strings.HasPrefix(key, "driver."):
			name := strings.TrimPrefix(key, "driver.")
			err, c.Drivers[name] = nil, &structs.DriverInfo{Detected: value != "missing", Healthy: value == "healthy"}
		case strings.HasPrefix(key, "attr."):
			err, c.Attributes[strings.TrimPrefix(key, "attr.")] = nil, value
		case strings.HasPrefix(key, "meta."):
			err, c.Meta[strings.TrimPrefix(key, "meta.")] = nil, value
		default:
			err = fmt.Errorf("unknown word")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", word, err)
		}
	}
	return &c, nil
}

// deviceOf reads "nvidia/gpu/1080*2", and attributes behind it: "nvidia/gpu/1080*2 memory=8GiB".
func deviceOf(text string) *structs.NodeDeviceResource {
	words := strings.Fields(text)
	name, count, _ := strings.Cut(words[0], "*")
	parts := strings.SplitN(name, "/", 3)
	d := &structs.NodeDeviceResource{Vendor: parts[0], Type: parts[1], Name: parts[2]}
	for _, w := range words[1:] {
		if key, value, ok := strings.Cut(w, "="); ok {
			if d.Attributes == nil {
				d.Attributes = map[string]string{}
			}
			d.Attributes[key] = value
		}
	}
	n, _ := strconv.Atoi(count)
	for i := range n {
		d.Instances = append(d.Instances, &structs.NodeDevice{ID: fmt.Sprintf("%s-%d", parts[2], i), Healthy: true})
	}
	return d
}

func cloned(m map[string]string) map[string]string {
	c := map[string]string{}
	for k, v := range m {
		c[k] = v
	}
	return c
}

// plainNode is a node before words about it.
func plainNode(id structs.ID, name string) *structs.Node {
	return &structs.Node{
		ID: id, Name: name, Datacenter: "dc1", NodePool: "default", Status: structs.NodeStatusReady,
		SchedulingEligibility: structs.NodeEligible,
		Drivers:               map[string]*structs.DriverInfo{"docker": {Detected: true, Healthy: true}},
		NodeResources: &structs.NodeResources{
			Cpu:    structs.NodeCPUResources{CpuShares: 4000, TotalCpuCores: 4},
			Memory: structs.NodeMemoryResources{MemoryMB: 8192}, Disk: structs.NodeDiskResources{DiskMB: 100000},
		},
	}
}

func peerOf(text string) *structs.Peer {
	words := strings.Fields(text)
	p := &structs.Peer{Relation: words[0]}
	for _, w := range words[1:] {
		key, value, _ := strings.Cut(w, "=")
		switch {
		case strings.HasPrefix(w, "@"):
			p.Topology = w[1:]
		case key == "job":
			p.Job = value
		case key == "group":
			p.Group = value
		case strings.HasPrefix(key, "meta."):
			p.Meta = map[string]string{strings.TrimPrefix(key, "meta."): value}
		default:
			p.Weight = new(int8(number(w)))
		}
	}
	return p
}
