package structs

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// bound is one limit: the numbers on its good side are taken, those beyond are refused (or advised against) at its place.
type bound struct {
	path      string
	good, bad []int
	set       func(j *Job, n int)
}

func millis(n int) *time.Duration { return new(time.Duration(n) * time.Millisecond) }

func (b bound) check(t *testing.T, jobType string) {
	t.Helper()
	for _, n := range slices.Concat(b.good, b.bad) {
		j := minimal(jobType)
		b.set(j, n)
		j.Canonicalize()
		faults := j.Validate(Limits{MaxCount: 10, MaxGroups: 2, MaxTasks: 2, MaxConstraints: 3, MaxEnvBytes: 20, MaxMetaBytes: 20, MaxTemplates: 2})
		told := slices.ContainsFunc(faults, func(f Fault) bool { return f.Path == b.path })
		if want := slices.Contains(b.bad, n); told != want {
			t.Errorf("%s at %d: told %v, want %v: %v", b.path, n, told, want, faults)
		}
	}
}

func group0(j *Job) *TaskGroup { return j.TaskGroups[0] }
func task0(j *Job) *Task       { return j.TaskGroups[0].Tasks[0] }

func TestEdgesOfNumbersOfAJob(t *testing.T) {
	const g, task = "TaskGroups[0].", "TaskGroups[0].Tasks[0]."
	for _, b := range []bound{
		{"Priority", []int{1, 100}, []int{-1, 101}, func(j *Job, n int) { j.Priority = n }},
		{"ID", []int{1, 512}, []int{513}, func(j *Job, n int) { j.ID = strings.Repeat("a", n) }},
		{"Namespace", []int{128}, []int{129}, func(j *Job, n int) { j.Namespace = strings.Repeat("a", n) }},
		{"Meta", []int{19}, []int{20}, func(j *Job, n int) {
			j.Meta = map[string]string{"k": strings.Repeat("é", n/2) + strings.Repeat("x", n%2)}
		}},
		{"UI.Description", []int{1000}, []int{1001}, func(j *Job, n int) { j.UI = &JobUI{Description: strings.Repeat("é", n)} }},
		{"TaskGroups", []int{10}, []int{11}, func(j *Job, n int) { group0(j).Count = new(n) }},
		{"TaskGroups", []int{2}, []int{3}, func(j *Job, n int) {
			for i := range n - 1 {
				j.TaskGroups = append(j.TaskGroups, &TaskGroup{Name: fmt.Sprint("more", i), Tasks: group0(j).Tasks})
			}
		}},
		{g + "Tasks", []int{2}, []int{3}, func(j *Job, n int) {
			for i := range n - 1 {
				group0(j).Tasks = append(group0(j).Tasks, &Task{Name: fmt.Sprint("more", i), Driver: "docker"})
			}
		}},
		{"Constraints", []int{3}, []int{4}, func(j *Job, n int) {
			j.Affinities = []*Affinity{{"${attr.a}", "1", "=", new(int8(50))}}
			j.Spreads = []*Spread{{Attribute: "${attr.a}", Weight: new(int8(50))}}
			for range n - 2 {
				j.Constraints = append(j.Constraints, &Constraint{"${attr.a}", "1", "="})
			}
		}},
		{"Affinities[0].Weight", []int{-100, -1, 1, 100}, []int{-101, 0, 101}, func(j *Job, n int) { j.Affinities = []*Affinity{{"${attr.a}", "1", "=", new(int8(n))}} }},
		{"Spreads[0].Weight", []int{1, 100}, []int{-1, 101}, func(j *Job, n int) { j.Spreads = []*Spread{{Attribute: "${attr.a}", Weight: new(int8(n))}} }},
		{"Spreads[0].MaxSkew", []int{1}, []int{0}, func(j *Job, n int) { j.Spreads = []*Spread{{Attribute: "${attr.a}", MaxSkew: new(n)}} }},
		{"Spreads[0].SpreadTarget", []int{50}, []int{51}, func(j *Job, n int) {
			j.Spreads = []*Spread{{Attribute: "${attr.a}", SpreadTarget: []*SpreadTarget{{"a", 50}, {"b", uint8(n)}}}}
		}},
		{"Spreads[0].SpreadTarget[0].Percent", []int{100}, []int{101}, func(j *Job, n int) {
			j.Spreads = []*Spread{{Attribute: "${attr.a}", SpreadTarget: []*SpreadTarget{{"a", uint8(n)}}}}
		}},
		{g + "Peers[0].Weight", []int{1, 100}, []int{0, 101}, func(j *Job, n int) { group0(j).Peers = []*Peer{{Job: "a", Relation: PeerNear, Weight: new(int8(n))}} }},
		{g + "Count", []int{0}, []int{-1}, func(j *Job, n int) { group0(j).Count = new(n) }},
		{g + "EphemeralDisk.SizeMB", []int{10}, []int{9}, func(j *Job, n int) { group0(j).EphemeralDisk = &EphemeralDisk{SizeMB: new(n)} }},
		{g + "Scaling", []int{2, 4}, []int{1, 5}, func(j *Job, n int) {
			group0(j).Count, group0(j).Scaling = new(n), &ScalingPolicy{Min: new(int64(2)), Max: new(int64(4))}
		}},
		{g + "Scaling.Max", []int{2}, []int{1}, func(j *Job, n int) {
			group0(j).Scaling = &ScalingPolicy{Min: new(int64(2)), Max: new(int64(n))}
		}},
		{task + "Env", []int{19}, []int{20}, func(j *Job, n int) { task0(j).Env = map[string]string{"A": strings.Repeat("x", n)} }},
		{task + "Resources.Cores", []int{0, 1, 65536}, []int{-1, 65537, math.MaxInt}, func(j *Job, n int) { task0(j).Resources = &Resources{Cores: new(n)} }},
		{task + "Resources.Devices[0].Count", []int{1, 65536}, []int{0, 65537, -1}, func(j *Job, n int) {
			task0(j).Resources = &Resources{Devices: []*RequestedDevice{{Name: "gpu", Count: new(uint64(n))}}}
		}},
		{g + "EphemeralDisk.SizeMB", []int{MaxAmount}, []int{9, MaxAmount + 1, math.MaxInt}, func(j *Job, n int) {
			group0(j).EphemeralDisk = &EphemeralDisk{SizeMB: new(n)}
		}},
		{task + "LogConfig.MaxFiles", []int{1, 65536}, []int{0, 65537, math.MaxInt}, func(j *Job, n int) {
			task0(j).LogConfig, group0(j).EphemeralDisk = &LogConfig{MaxFiles: new(n), MaxFileSizeMB: new(1)}, &EphemeralDisk{SizeMB: new(MaxAmount)}
		}},
		{task + "LogConfig.MaxFileSizeMB", []int{1, MaxAmount - 1}, []int{0, MaxAmount, math.MaxInt}, func(j *Job, n int) {
			task0(j).LogConfig, group0(j).EphemeralDisk = &LogConfig{MaxFiles: new(1), MaxFileSizeMB: new(n)}, &EphemeralDisk{SizeMB: new(MaxAmount)}
		}},
		{task + "Resources.Cores", []int{0}, []int{1}, func(j *Job, n int) { task0(j).Resources = &Resources{Cores: new(1), CPU: new(n)} }},
		{task + "Resources.CPU", []int{1, MaxAmount}, []int{0, MaxAmount + 1, math.MaxInt}, func(j *Job, n int) { task0(j).Resources = &Resources{CPU: new(n)} }},
		{task + "Resources.MemoryMB", []int{10, MaxAmount}, []int{9, MaxAmount + 1, math.MaxInt}, func(j *Job, n int) { task0(j).Resources = &Resources{MemoryMB: new(n)} }},
		{task + "Resources.MemoryMaxMB", []int{-1, 0, 20, MaxAmount}, []int{-2, 1, 19, MaxAmount + 1, math.MaxInt}, func(j *Job, n int) {
			task0(j).Resources = &Resources{MemoryMB: new(20), MemoryMaxMB: new(n)}
		}},
		{task + "Resources.SecretsMB", []int{0, 1, 10}, []int{-1, 11}, func(j *Job, n int) {
			task0(j).Resources = &Resources{MemoryMB: new(10), SecretsMB: new(n)}
		}},
		{task + "Resources.DiskMB", []int{0}, []int{1}, func(j *Job, n int) { task0(j).Resources = &Resources{DiskMB: new(n)} }},
		{task + "Resources.IOPS", []int{0}, []int{1}, func(j *Job, n int) { task0(j).Resources = &Resources{IOPS: new(n)} }},
		{g + "Networks[0].MBits", []int{0}, []int{1}, func(j *Job, n int) { group0(j).Networks = []*NetworkResource{{MBits: new(n)}} }},
		{g + "Networks[0].ReservedPorts[0].Value", []int{1, 65535}, []int{-1, 65536}, func(j *Job, n int) {
			group0(j).Networks = []*NetworkResource{{ReservedPorts: []Port{{Label: "a", Value: n}}}}
		}},
		{g + "Networks[0].ReservedPorts[1].Value", []int{2}, []int{1}, func(j *Job, n int) {
			group0(j).Networks = []*NetworkResource{{ReservedPorts: []Port{{Label: "a", Value: 1}, {Label: "b", Value: n}}}}
		}},
		{g + "Networks[0].DynamicPorts[0].To", []int{-1, 0, 65535}, []int{-2, 65536}, func(j *Job, n int) {
			group0(j).Networks = []*NetworkResource{{Mode: "bridge", DynamicPorts: []Port{{Label: "a", To: n}}}}
		}},
		{g + "Networks[0].Hostname", []int{63}, []int{64}, func(j *Job, n int) {
			group0(j).Networks = []*NetworkResource{{Mode: "bridge", Hostname: strings.Repeat("a", n)}}
		}},
		{g + "Networks[0].Hostname", []int{253}, []int{254}, func(j *Job, n int) {
			group0(j).Networks = []*NetworkResource{{Mode: "bridge", Hostname: strings.Repeat("a.", 126)[:252-1] + strings.Repeat("a", n-251)}}
		}},
		{task + "Templates[0].Perms", []int{0o7777}, []int{0o10000}, func(j *Job, n int) {
			task0(j).Templates = []*Template{{EmbeddedTmpl: new("x"), DestPath: new("local/x"), Perms: new(strconv.FormatInt(int64(n), 8))}}
		}},
		{task + "Templates[0].Uid", []int{-1, 0}, []int{-2}, func(j *Job, n int) {
			task0(j).Templates = []*Template{{EmbeddedTmpl: new("x"), DestPath: new("local/x"), Uid: new(n)}}
		}},
		{task + "Templates[0].Wait.Max", []int{5}, []int{4}, func(j *Job, n int) {
			task0(j).Templates = []*Template{{EmbeddedTmpl: new("x"), DestPath: new("local/x"), Wait: &WaitConfig{Min: millis(5), Max: millis(n)}}}
		}},
		{task + "Templates[0].VaultGrace", []int{0}, []int{1}, func(j *Job, n int) {
			task0(j).Templates = []*Template{{EmbeddedTmpl: new("x"), DestPath: new("local/x"), VaultGrace: millis(n)}}
		}},
	} {
		b.check(t, JobTypeService)
	}
	bound{g + "Count", []int{0, 1}, []int{2}, func(j *Job, n int) { group0(j).Count = new(n) }}.check(t, JobTypeSystem)
	for _, b := range []bound{
		{g + "MaxRunDuration", []int{1}, []int{-1, 0}, func(j *Job, n int) { group0(j).MaxRunDuration = millis(n) }},
		{"Periodic.Specs", []int{1, 100}, []int{0, 101}, func(j *Job, n int) { j.Periodic = &PeriodicConfig{Specs: slices.Repeat([]string{"@daily"}, n)} }},
		{"Periodic.StartDeadline", []int{0}, []int{-1}, func(j *Job, n int) {
			j.Periodic = &PeriodicConfig{Specs: []string{"@daily"}, StartDeadline: *millis(n)}
		}},
		{"Periodic.KeepSuccessful", []int{0, 1000}, []int{-1, 1001}, func(j *Job, n int) {
			j.Periodic = &PeriodicConfig{Specs: []string{"@daily"}, KeepSuccessful: &n}
		}},
		{"Periodic.KeepFailed", []int{0, 1000}, []int{-1, 1001}, func(j *Job, n int) {
			j.Periodic = &PeriodicConfig{Specs: []string{"@daily"}, KeepFailed: &n}
		}},
	} {
		b.check(t, JobTypeBatch)
	}
}

func TestEdgesOfPolicies(t *testing.T) {
	const g, task = "TaskGroups[0].", "TaskGroups[0].Tasks[0]."
	reschedule := func(function string, attempts, maxDelay int) func(j *Job, n int) {
		return func(j *Job, n int) {
			group0(j).ReschedulePolicy = &ReschedulePolicy{Attempts: new(attempts), Interval: millis(n), Delay: millis(5000), DelayFunction: new(function),
				MaxDelay: millis(maxDelay), Unlimited: new(false)}
		}
	}
	for _, b := range []bound{
		{g + "RestartPolicy.Interval", []int{5000}, []int{4999}, func(j *Job, n int) { group0(j).RestartPolicy = &RestartPolicy{Interval: millis(n), Delay: millis(1)} }},
		{g + "RestartPolicy.Interval", []int{5000}, []int{5001}, func(j *Job, n int) {
			group0(j).RestartPolicy = &RestartPolicy{Interval: millis(10000), Attempts: new(2), Delay: millis(n)}
		}},
		{g + "ReschedulePolicy.Delay", []int{5000}, []int{4999}, func(j *Job, n int) { group0(j).ReschedulePolicy = &ReschedulePolicy{Delay: millis(n)} }},
		{g + "ReschedulePolicy.MaxDelay", []int{6000}, []int{5999}, func(j *Job, n int) {
			group0(j).ReschedulePolicy = &ReschedulePolicy{Delay: millis(6000), MaxDelay: millis(n)}
		}},
		{g + "ReschedulePolicy.Attempts", []int{0}, []int{1}, func(j *Job, n int) {
			group0(j).ReschedulePolicy = &ReschedulePolicy{Attempts: new(n), Unlimited: new(true)}
		}},
		{g + "ReschedulePolicy.Interval", []int{15000}, []int{14999}, reschedule(DelayConstant, 1, 0)},
		{g + "ReschedulePolicy.Interval", []int{20000}, []int{19999}, reschedule(DelayConstant, 4, 0)},
		{g + "ReschedulePolicy.Interval", []int{35000}, []int{34999}, reschedule(DelayExponential, 3, 3600000)},   // 5 + 10 + 20
		{g + "ReschedulePolicy.Interval", []int{35000}, []int{34999}, reschedule(DelayExponential, 4, 10000)},     // 5 + 10 + 10 + 10
		{g + "ReschedulePolicy.Interval", []int{35000}, []int{34999}, reschedule(DelayFibonacci, 4, 3600000)},     // 5 + 5 + 10 + 15
		{g + "ReschedulePolicy.Interval", []int{35000}, []int{34999}, reschedule(DelayExponential, 3, 0)},         // 0 is no limit
		{g + "ReschedulePolicy.Interval", nil, []int{1 << 40}, reschedule(DelayExponential, 1<<40, 3600000)},      // longer than can be counted
		{g + "ReschedulePolicy.Interval", nil, []int{1 << 40}, reschedule(DelayConstant, 1<<40, 0)},               // so too
		{g + "ReschedulePolicy.Interval", nil, []int{1 << 40}, reschedule(DelayExponential, 90, 1<<62/1_000_000)}, // its delay doubles out of range
		{"Update.Stagger", []int{1}, []int{0}, func(j *Job, n int) { j.Update = &UpdateStrategy{Stagger: millis(n)} }},
		{"Update.HealthyDeadline", []int{1}, []int{0}, func(j *Job, n int) { j.Update = &UpdateStrategy{HealthyDeadline: millis(n)} }},
		{"Update.HealthyDeadline", []int{19999}, []int{20000}, func(j *Job, n int) {
			j.Update = &UpdateStrategy{HealthyDeadline: millis(n), ProgressDeadline: millis(20000)}
		}},
		{"Update.HealthyDeadline", []int{20000}, nil, func(j *Job, n int) {
			j.Update = &UpdateStrategy{HealthyDeadline: millis(n), ProgressDeadline: millis(0)}
		}},
		{"Update.MinHealthyTime", []int{0, 19999}, []int{-1, 20000}, func(j *Job, n int) {
			j.Update = &UpdateStrategy{MinHealthyTime: millis(n), HealthyDeadline: millis(20000)}
		}},
		{"Update.MaxParallel", []int{0}, []int{-1}, func(j *Job, n int) { j.Update = &UpdateStrategy{MaxParallel: new(n)} }},
		{"Update.AutoPromote", []int{1}, []int{0}, func(j *Job, n int) { j.Update = &UpdateStrategy{AutoPromote: new(true), Canary: new(n)} }},
		{g + "Update.Canary", []int{0, 2}, []int{3}, func(j *Job, n int) { group0(j).Count, group0(j).Update = new(2), &UpdateStrategy{Canary: new(n)} }},
		{task + "KillTimeout", []int{400000}, []int{400001}, func(j *Job, n int) {
			task0(j).KillTimeout, j.Update = millis(n), &UpdateStrategy{ProgressDeadline: millis(400000)}
		}},
		{g + "Migrate.MinHealthyTime", []int{0, 19999}, []int{-1, 20000}, func(j *Job, n int) {
			group0(j).Migrate = &MigrateStrategy{MinHealthyTime: millis(n), HealthyDeadline: millis(20000)}
		}},
		{g + "Disconnect.LostAfter", []int{0}, []int{-1}, func(j *Job, n int) { group0(j).Disconnect = &DisconnectStrategy{LostAfter: millis(n)} }},
		{g + "Disconnect.StopOnClientAfter", []int{0}, []int{1}, func(j *Job, n int) {
			group0(j).Disconnect = &DisconnectStrategy{LostAfter: millis(n), StopOnClientAfter: millis(1)}
		}},
	} {
		b.check(t, JobTypeService)
	}
}

func TestEdgesOfServices(t *testing.T) {
	const s = "TaskGroups[0].Services[0]."
	service := func(change func(s *Service, c *ServiceCheck, n int)) func(j *Job, n int) {
		return func(j *Job, n int) {
			group0(j).Networks = []*NetworkResource{{Mode: "bridge", DynamicPorts: []Port{{Label: "a"}}}}
			c := &ServiceCheck{Type: "tcp", Interval: time.Second, Timeout: time.Second}
			x := &Service{Name: "x", Provider: ProviderNomad, PortLabel: "a", Checks: []*ServiceCheck{c}}
			change(x, c, n)
			group0(j).Services = []*Service{x}
		}
	}
	for _, b := range []bound{
		{s + "Name", []int{1, 63}, []int{64}, service(func(x *Service, _ *ServiceCheck, n int) { x.Name = strings.Repeat("a", n) })},
		{s + "Name", []int{63}, []int{64}, service(func(x *Service, _ *ServiceCheck, n int) { x.Name = "${NOMAD_JOB_NAME}" + strings.Repeat("a", n-1) })},
		{s + "PortLabel", []int{1, 65535}, []int{0, 65536}, service(func(x *Service, _ *ServiceCheck, n int) { x.PortLabel = strconv.Itoa(n) })},
		{s + "Weights", []int{0, 1}, []int{-1}, service(func(x *Service, _ *ServiceCheck, n int) { x.Weights = &ServiceWeights{Passing: n, Warning: 1} })},
		{s + "Weights", []int{0, 1}, []int{-1}, service(func(x *Service, _ *ServiceCheck, n int) { x.Weights = &ServiceWeights{Passing: 1, Warning: n} })},
		{s + "CheckRestart.Limit", []int{0, 1}, []int{-1}, service(func(x *Service, _ *ServiceCheck, n int) { x.CheckRestart = &CheckRestart{Limit: n} })},
		{s + "CheckRestart", []int{0}, []int{1}, service(func(x *Service, _ *ServiceCheck, n int) {
			x.OnUpdate, x.CheckRestart = OnUpdateIgnore, &CheckRestart{Limit: n}
		})},
		{s + "Checks[0].CheckRestart.Limit", []int{0}, []int{-1}, service(func(_ *Service, c *ServiceCheck, n int) { c.CheckRestart = &CheckRestart{Limit: n} })},
		{s + "Checks[0].Interval", []int{1000}, []int{0, 999}, service(func(_ *Service, c *ServiceCheck, n int) { c.Interval = *millis(n) })},
		{s + "Checks[0].Timeout", []int{1000}, []int{0, 999}, service(func(_ *Service, c *ServiceCheck, n int) { c.Timeout = *millis(n) })},
		{s + "Checks[0].Notes", []int{255}, []int{256}, service(func(_ *Service, c *ServiceCheck, n int) { c.Notes = strings.Repeat("é", n) })},
		{s + "Checks[0].SuccessBeforePassing", []int{0, 1}, []int{-1}, service(func(x *Service, c *ServiceCheck, n int) { x.Provider, c.SuccessBeforePassing = ProviderConsul, n })},
		{s + "Checks[0].SuccessBeforePassing", []int{0}, []int{1}, service(func(_ *Service, c *ServiceCheck, n int) { c.SuccessBeforePassing = n })},
		{s + "Checks[0].FailuresBeforeCritical", []int{0}, []int{1}, service(func(_ *Service, c *ServiceCheck, n int) { c.FailuresBeforeCritical = n })},
		{s + "Checks[0].FailuresBeforeWarning", []int{0}, []int{1}, service(func(_ *Service, c *ServiceCheck, n int) { c.FailuresBeforeWarning = n })},
	} {
		b.check(t, JobTypeService)
	}
	bound{"TaskGroups[0].Tasks[0].Services[0].PortLabel", []int{1, 65535}, []int{0, 65536}, func(j *Job, n int) {
		task0(j).Services = []*Service{{Name: "x", AddressMode: AddressModeDriver, PortLabel: strconv.Itoa(n)}}
	}}.check(t, JobTypeService)
}

func TestAPortWithANumberIsAStaticOne(t *testing.T) {
	j := minimal(JobTypeService)
	group0(j).Networks = []*NetworkResource{{DynamicPorts: []Port{{Label: "a", Value: 1}, {Label: "b"}}, DNS: &DNSConfig{}, CNI: &CNIConfig{}}, {DNS: &DNSConfig{Options: []string{"x"}}}}
	j.Canonicalize()
	n := group0(j).Networks[0]
	if len(n.ReservedPorts) != 1 || n.ReservedPorts[0].Label != "a" || len(n.DynamicPorts) != 1 || n.DNS != nil || n.CNI != nil {
		t.Errorf("%+v", n)
	}
	if group0(j).Networks[1].DNS == nil {
		t.Error("dns with options only is gone")
	}
}

// Cases that stand between two conditions, each told at its place or not at all.
func TestConditionsThatBelongTogether(t *testing.T) {
	const task, check = "TaskGroups[0].Tasks[0].", "TaskGroups[0].Services[0].Checks[0]."
	withCheck := func(path string) func(j *Job) {
		return func(j *Job) {
			group0(j).Services = []*Service{{Name: "x", PortLabel: "1", Checks: []*ServiceCheck{{Type: "http", Path: path, Interval: time.Second, Timeout: time.Second}}}}
		}
	}
	withIdentity := func(w *WorkloadIdentity) func(j *Job) {
		return func(j *Job) { w.Name, task0(j).Identities = "own", []*WorkloadIdentity{w} }
	}
	for _, c := range []struct {
		name, path string
		told       bool
		set        func(j *Job)
	}{
		{"one log file that fills the disk", task + "LogConfig.MaxFileSizeMB", true, func(j *Job) {
			task0(j).LogConfig, group0(j).EphemeralDisk = &LogConfig{MaxFiles: new(1), MaxFileSizeMB: new(20)}, &EphemeralDisk{SizeMB: new(20)}
		}},
		{"small log files that fill the disk", task + "LogConfig.MaxFileSizeMB", true, func(j *Job) {
			task0(j).LogConfig, group0(j).EphemeralDisk = &LogConfig{MaxFiles: new(4), MaxFileSizeMB: new(5)}, &EphemeralDisk{SizeMB: new(20)}
		}},
		{"log files that leave room", task + "LogConfig.MaxFileSizeMB", false, func(j *Job) {
			task0(j).LogConfig, group0(j).EphemeralDisk = &LogConfig{MaxFiles: new(1), MaxFileSizeMB: new(19)}, &EphemeralDisk{SizeMB: new(20)}
		}},
		{"no log files at all", task + "LogConfig.MaxFileSizeMB", false, func(j *Job) {
			task0(j).LogConfig, group0(j).EphemeralDisk = &LogConfig{Disabled: new(true), MaxFileSizeMB: new(20)}, &EphemeralDisk{SizeMB: new(20)}
		}},
		{"a port of a driver that is no text", task + "Config.ports[0]", false, func(j *Job) { task0(j).Config = map[string]any{"ports": []any{int64(7)}} }},
		{"a service without a name", "TaskGroups[0].Services[0].Name", true, func(j *Job) { group0(j).Services = []*Service{{Name: "-"}} }},
		{"a service name that is a reference", "TaskGroups[0].Services[0].Name", false, func(j *Job) { group0(j).Services = []*Service{{Name: "${JOB}-web"}} }},
		{"a service name of an empty reference", "TaskGroups[0].Services[0].Name", false, func(j *Job) { group0(j).Services = []*Service{{Name: "a${}"}} }},
		{"a service name of a reference without end", "TaskGroups[0].Services[0].Name", true, func(j *Job) { group0(j).Services = []*Service{{Name: "a${JOB"}} }},
		{"a node pool without a name", "NodePool", true, func(j *Job) { j.NodePool = " " }},
		{"one restart that takes longer than its interval", "TaskGroups[0].RestartPolicy.Interval", true, func(j *Job) {
			group0(j).RestartPolicy = &RestartPolicy{Attempts: new(1), Interval: millis(5000), Delay: millis(5001)}
		}},
		{"a path of a check with a scheme", check + "Path", true, withCheck("http:x")},
		{"a path of a check with a host", check + "Path", true, withCheck("//a/x")},
		{"a path of a check alone", check + "Path", false, withCheck("/x?y=z")},
		{"a token in the environment that is renewed", task + "Identities[0].Env", true, withIdentity(&WorkloadIdentity{Env: true, TTL: time.Hour, ChangeMode: ChangeModeNoop})},
		{"a token in the environment that ends the task with its time", task + "Identities[0].Env", false,
			withIdentity(&WorkloadIdentity{Env: true, TTL: time.Hour, ChangeMode: ChangeModeRestart})},
		{"a token in the environment without an end", task + "Identities[0].Env", false, withIdentity(&WorkloadIdentity{Env: true, ChangeMode: ChangeModeNoop})},
		{"a token in a file that is renewed", task + "Identities[0].Env", false, withIdentity(&WorkloadIdentity{File: true, TTL: time.Hour, ChangeMode: ChangeModeNoop})},
		{"a secret of a plugin with a configuration", task + "Secrets[0].Config", true, func(j *Job) {
			task0(j).Secrets = []*Secret{{Name: "s", Provider: "mine", Path: "p", Config: map[string]any{"a": "b"}}}
		}},
		{"a secret of a plugin without one", task + "Secrets[0].Config", false, func(j *Job) { task0(j).Secrets = []*Secret{{Name: "s", Provider: "mine", Path: "p"}} }},
		{"a migration of a batch job", "TaskGroups[0].Migrate.MinHealthyTime", false, func(j *Job) {
			j.Type, j.Update, group0(j).Migrate = JobTypeBatch, nil, &MigrateStrategy{MinHealthyTime: millis(2), HealthyDeadline: millis(1)}
		}},
	} {
		j := minimal(JobTypeService)
		c.set(j)
		j.Canonicalize()
		faults := j.Validate(Limits{Drivers: map[string]ConfigChecker{"docker": takesAll{}}})
		if told := slices.ContainsFunc(faults, func(f Fault) bool { return f.Path == c.path }); told != c.told {
			t.Errorf("%s: told %v: %v", c.name, told, faults)
		}
	}
}

func TestTheOldNameOfDisabledLogsIsTurnedRound(t *testing.T) {
	for _, c := range []struct {
		enabled, disabled *bool
		want              bool
	}{{nil, nil, false}, {new(false), nil, true}, {new(true), nil, false}, {new(true), new(true), true}, {new(false), new(false), false}} {
		j := minimal(JobTypeService)
		task0(j).LogConfig = &LogConfig{Enabled: c.enabled, Disabled: c.disabled}
		j.Canonicalize()
		if l := task0(j).LogConfig; *l.Disabled != c.want || l.Enabled != nil {
			t.Errorf("%+v: disabled %v", c, *l.Disabled)
		}
	}
}

func TestAVolumeHasTheNameOfItsKey(t *testing.T) {
	j := minimal(JobTypeService)
	group0(j).Volumes = map[string]*VolumeRequest{"data": {Type: "host", Source: "x"}, "none": nil}
	j.Canonicalize()
	if v := group0(j).Volumes["data"]; v.Name != "data" {
		t.Errorf("%+v", v)
	}
}

func TestWhatComesLaterIsToldWhereItIsUsed(t *testing.T) {
	const g, task = "TaskGroups[0].", "TaskGroups[0].Tasks[0]."
	for path, set := range map[string]func(j *Job){
		"":                       func(j *Job) { task0(j).Resources = &Resources{} },
		"Multiregion":            func(j *Job) { j.Multiregion = &Multiregion{Regions: []*MultiregionRegion{{Name: "a"}}} },
		g + "Scaling":            func(j *Job) { group0(j).Scaling = &ScalingPolicy{Enabled: new(true), Max: new(int64(1))} },
		g + "Volumes[v]":         func(j *Job) { group0(j).Volumes = map[string]*VolumeRequest{"v": {Type: VolumeTypeCSI}} },
		task + "Artifacts[0]":    func(j *Job) { task0(j).Artifacts = []*TaskArtifact{{}} },
		task + "Templates[0]":    func(j *Job) { task0(j).Templates = []*Template{{}} },
		task + "Resources.NUMA":  func(j *Job) { task0(j).Resources = &Resources{NUMA: &NUMAResource{Affinity: "prefer"}} },
		task + "CSIPluginConfig": func(j *Job) { task0(j).CSIPluginConfig = &TaskCSIPluginConfig{} },
	} {
		j := minimal(JobTypeService)
		set(j)
		j.Canonicalize()
		var paths []string
		for _, f := range j.Validate(Limits{Later: true}) {
			if strings.Contains(f.Message, "this version") {
				paths = append(paths, f.Path)
			}
		}
		if want := path == ""; want != (len(paths) == 0) || !want && !slices.Equal(paths, []string{path}) {
			t.Errorf("%q: told at %q", path, paths)
		}
	}
}

func TestNamesOfServicesAreAFixedPoint(t *testing.T) {
	for _, c := range []struct{ job, group, name, want string }{
		{"a", "g", "", "a-g"},
		{"a", "g", "${JOB}-${TASKGROUP}x", "a-gx"},
		{"a", "g", "${BASE}-${NOMAD_DC}", "a-g-${NOMAD_DC}"},
		{"a", "${JOB}", "", "a-a"},
		{"a", "${JOB}", "x-${TASKGROUP}", "x-${TASKGROUP}"},
		{"${JOB}", "g", "", "${JOB}-g"},
		{"a", "g", "${TASK}", "${TASK}"},
	} {
		j := minimal(JobTypeService)
		j.ID, group0(j).Name, group0(j).Services = c.job, c.group, []*Service{{Name: c.name}}
		for range 2 {
			j.Canonicalize()
			if got := group0(j).Services[0].Name; got != c.want {
				t.Errorf("job %q, group %q, service %q: %q, want %q", c.job, c.group, c.name, got, c.want)
			}
		}
	}
}

// Two tasks that each ask for all that a number can hold would ask for less than nothing together, and fit everywhere.
func TestAmountsHaveAMost(t *testing.T) {
	j := &Job{ID: "web", Name: "web", Datacenters: []string{"dc1"}, TaskGroups: []*TaskGroup{{Name: "g", EphemeralDisk: &EphemeralDisk{SizeMB: new(math.MaxInt)}}}}
	for _, name := range []string{"a", "b"} {
		j.TaskGroups[0].Tasks = append(j.TaskGroups[0].Tasks, &Task{Name: name, Driver: "docker", Resources: &Resources{CPU: new(math.MaxInt), MemoryMB: new(MaxAmount + 1),
			MemoryMaxMB: new(math.MaxInt), Devices: []*RequestedDevice{{Name: "gpu", Count: new(uint64(math.MaxUint64))}}}})
	}
	j.Canonicalize()
	told := j.Validate(Limits{}).Error()
	for _, want := range []string{
		"cpu is 9223372036854775807 MHz; the most is 1099511627776 MHz",
		"memory is 1099511627777 MB; the most is 1099511627776 MB",
		"memory_max is 9223372036854775807 MB; the most is 1099511627776 MB",
		"size is 9223372036854775807 MB; the most is 1099511627776 MB",
		"count is 18446744073709551615; the most is 65536",
	} {
		if strings.Count(told, want) < 1 {
			t.Errorf("nothing says that %s: %s", want, told)
		}
	}
}
