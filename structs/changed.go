package structs

import (
	"maps"
	"reflect"
)

//msgp:ignore Change

// Change is what a new job version means for the running allocations of a group.
type Change uint8

// The changes, in order of weight.
const (
	ChangeNone        Change = iota // nothing the allocation could notice
	ChangeInPlace                   // the same allocation takes the new version on
	ChangeDestructive               // a new allocation replaces the old one
)

// String is the change in words.
func (c Change) String() string { return [...]string{"none", "in-place", "destructive"}[c] }

// The tables below say for every field of a job, group and task what its change means; a test holds them against the
// types, so a new field must be decided here. Fields absent because they are walked into or are combined are "special".
// Annotate reads the same tables for what the diff of a plan says.
const (
	effectNone        = fieldEffect(ChangeNone)
	effectInPlace     = fieldEffect(ChangeInPlace)
	effectDestructive = fieldEffect(ChangeDestructive)
	effectSpecial     = fieldEffect(200) // decided by code beside the table
)

type fieldEffect uint8

// jobEffects: what a change outside the groups means for every group.
var jobEffects = map[string]fieldEffect{
	"Region": effectNone, "Namespace": effectNone, "ID": effectNone, "Name": effectInPlace, "Type": effectDestructive,
	"Priority": effectInPlace, "PriorityClass": effectInPlace, "PreemptionPolicy": effectInPlace, "AllAtOnce": effectInPlace, "Datacenters": effectInPlace, "NodePool": effectInPlace,
	"Constraints": effectInPlace, "Affinities": effectInPlace, "Spreads": effectInPlace, "Tolerations": effectInPlace, "DependsOn": effectNone, "TaskGroups": effectSpecial,
	"Update": effectInPlace, "Reschedule": effectInPlace, "Migrate": effectInPlace, "Multiregion": effectInPlace,
	"Periodic": effectInPlace, "ParameterizedJob": effectInPlace, "Meta": effectSpecial, "UI": effectInPlace,
	"Stop": effectNone, "Suspended": effectNone, "TTLAfterFinished": effectNone, "ParentID": effectNone, "Dispatched": effectNone, "DispatchIdempotencyToken": effectNone,
	"Payload": effectNone, "ConsulToken": effectNone, "ConsulNamespace": effectDestructive, "VaultToken": effectNone,
	"VaultNamespace": effectDestructive, "NomadTokenID": effectNone, "Status": effectNone, "StatusDescription": effectNone,
	"Stable": effectNone, "Version": effectNone, "VersionTag": effectNone, "SubmitTime": effectNone,
	"CreateIndex": effectNone, "ModifyIndex": effectNone, "JobModifyIndex": effectNone,
}

// groupEffects: what a change of a group means for it.
var groupEffects = map[string]fieldEffect{
	"Name": effectNone, "Count": effectNone, "Constraints": effectInPlace, "Affinities": effectInPlace,
	"Spreads": effectInPlace, "Tasks": effectSpecial, "Volumes": effectDestructive, "RestartPolicy": effectInPlace,
	"Disconnect": effectInPlace, "ReschedulePolicy": effectInPlace, "EphemeralDisk": effectDestructive,
	"Update": effectInPlace, "Migrate": effectInPlace, "Networks": effectSpecial, "Meta": effectSpecial,
	"Services": effectSpecial, "ShutdownDelay": effectInPlace, "StopAfterClientDisconnect": effectInPlace,
	"MaxClientDisconnect": effectInPlace, "PreventRescheduleOnLost": effectInPlace, "MaxRunDuration": effectInPlace,
	"Scaling": effectInPlace, "Consul": effectDestructive,
	"Peers": effectInPlace, "Tolerations": effectInPlace, "Disruption": effectInPlace, "Gang": effectNone, "Gates": effectNone, "Completion": effectInPlace,
}

// taskEffects: what a change of a task means for its group.
var taskEffects = map[string]fieldEffect{
	"Name": effectDestructive, "Driver": effectDestructive, "User": effectDestructive, "Lifecycle": effectDestructive,
	"Config": effectDestructive, "Constraints": effectInPlace, "Affinities": effectInPlace, "Env": effectDestructive,
	"Services": effectSpecial, "Resources": effectSpecial, "RestartPolicy": effectSpecial, "Meta": effectSpecial,
	"KillTimeout": effectInPlace, "LogConfig": effectSpecial, "Artifacts": effectDestructive, "Vault": effectDestructive,
	"Consul": effectDestructive, "Templates": effectDestructive, "DispatchPayload": effectDestructive,
	"VolumeMounts": effectDestructive, "CSIPluginConfig": effectDestructive, "Leader": effectInPlace,
	"ShutdownDelay": effectInPlace, "KillSignal": effectInPlace, "Kind": effectDestructive,
	"ScalingPolicies": effectInPlace, "Identity": effectDestructive, "Identities": effectDestructive,
	"Actions": effectInPlace, "Schedule": effectInPlace, "Secrets": effectDestructive,
}

// resourceEffects: what a change of a task's resources means for its group.
var resourceEffects = map[string]fieldEffect{
	"CPU": effectDestructive, "Cores": effectDestructive, "MemoryMB": effectDestructive, "MemoryMaxMB": effectDestructive,
	"DiskMB": effectInPlace, "Networks": effectSpecial, "Devices": effectDestructive, "NUMA": effectDestructive,
	"SecretsMB": effectDestructive, "IOPS": effectNone,
}

// GroupChange tells what the step from the old to the new version of a job means for the allocations of one group. Both
// must be canonical. A group that exists in one version only is destructive. A different Count is no change: it adds or
// removes allocations. Whether an allocation that could be updated in place still fits its node is the scheduler's matter.
func GroupChange(old, new *Job, group string) Change {
	og, ng := old.LookupGroup(group), new.LookupGroup(group)
	if og == nil || ng == nil {
		return ChangeDestructive
	}
	c := walkEffects(jobEffects, old, new)
	c = max(c, walkEffects(groupEffects, og, ng), networkChange(og.Networks, ng.Networks), serviceChange(og.Services, ng.Services))
	if c == ChangeDestructive || len(og.Tasks) != len(ng.Tasks) {
		return ChangeDestructive
	}
	for i, ot := range og.Tasks {
		nt := ng.Tasks[i]
		if nt.Name != ot.Name {
			nt = ng.LookupTask(ot.Name)
		}
		if nt == nil || !sameMeta(old, og, ot, new, ng, nt) {
			return ChangeDestructive
		}
		c = max(c, taskChange(ot, nt))
	}
	if c == ChangeNone && !sameTaskOrder(og, ng) {
		c = ChangeInPlace
	}
	return c
}

func taskChange(old, new *Task) Change {
	c := walkEffects(taskEffects, old, new)
	c = max(c, serviceChange(old.Services, new.Services))
	if or, nr := old.Resources, new.Resources; or != nil && nr != nil {
		c = max(c, walkEffects(resourceEffects, or, nr), networkChange(or.Networks, nr.Networks))
	} else if or != nr {
		c = ChangeDestructive
	}
	c = max(c, splitChange(old.RestartPolicy, new.RestartPolicy, func(p *RestartPolicy) *bool { return p.RenderTemplates }))
	return max(c, splitChange(old.LogConfig, new.LogConfig, func(l *LogConfig) *bool { return l.Disabled }))
}

// splitChange is for blocks of which only one field is destructive.
func splitChange[T any](old, new *T, destructive func(*T) *bool) Change {
	if reflect.DeepEqual(old, new) {
		return ChangeNone
	}
	flag := func(p *T) bool {
		if p == nil || destructive(p) == nil {
			return false
		}
		return *destructive(p)
	}
	if flag(old) != flag(new) {
		return ChangeDestructive
	}
	return ChangeInPlace
}

// walkEffects is the heaviest effect of the fields that differ.
func walkEffects[T any](table map[string]fieldEffect, old, new *T) Change {
	ov, nv := reflect.ValueOf(old).Elem(), reflect.ValueOf(new).Elem()
	c := ChangeNone
	for i := range ov.NumField() {
		effect := table[ov.Type().Field(i).Name]
		if effect == effectSpecial || Change(effect) <= c {
			continue
		}
		if !reflect.DeepEqual(ov.Field(i).Interface(), nv.Field(i).Interface()) {
			c = Change(effect)
		}
	}
	return c
}

// networkChange compares networks without regard to the order of the ports.
func networkChange(old, new []*NetworkResource) Change {
	if len(old) != len(new) {
		return ChangeDestructive
	}
	for i := range old {
		a, b := *old[i], *new[i]
		if !maps.Equal(portsByLabel(&a), portsByLabel(&b)) {
			return ChangeDestructive
		}
		a.ReservedPorts, a.DynamicPorts, b.ReservedPorts, b.DynamicPorts = nil, nil, nil, nil
		if !reflect.DeepEqual(a, b) {
			return ChangeDestructive
		}
	}
	return ChangeNone
}

func portsByLabel(n *NetworkResource) map[string]Port {
	ports := make(map[string]Port, len(n.ReservedPorts)+len(n.DynamicPorts))
	for _, list := range [][]Port{n.ReservedPorts, n.DynamicPorts} {
		for _, p := range list {
			ports[p.Label] = p
		}
	}
	return ports
}

// serviceChange: services are updated in place, except that a mesh proxy belongs to the allocation.
func serviceChange(old, new []*Service) Change {
	if reflect.DeepEqual(old, new) {
		return ChangeNone
	}
	if !reflect.DeepEqual(connects(old), connects(new)) {
		return ChangeDestructive
	}
	return ChangeInPlace
}

func connects(services []*Service) map[string]*Connect {
	m := map[string]*Connect{}
	for _, s := range services {
		if s.Connect != nil {
			m[s.Name] = s.Connect
		}
	}
	return m
}

// EffectiveMeta is the meta a task sees: the job's, overlaid by the group's, overlaid by the task's.
func (j *Job) EffectiveMeta(g *TaskGroup, t *Task) map[string]string { return effectiveMeta(j, g, t) }

func effectiveMeta(j *Job, g *TaskGroup, t *Task) map[string]string {
	m := make(map[string]string, len(j.Meta)+len(g.Meta)+len(t.Meta))
	maps.Copy(m, j.Meta)
	maps.Copy(m, g.Meta)
	maps.Copy(m, t.Meta)
	return m
}

// sameMeta reports that a task sees the same meta in both jobs.
func sameMeta(old *Job, og *TaskGroup, ot *Task, new *Job, ng *TaskGroup, nt *Task) bool {
	return maps.Equal(effectiveMeta(old, og, ot), effectiveMeta(new, ng, nt))
}

func sameTaskOrder(a, b *TaskGroup) bool {
	for i := range a.Tasks {
		if a.Tasks[i].Name != b.Tasks[i].Name {
			return false
		}
	}
	return true
}
