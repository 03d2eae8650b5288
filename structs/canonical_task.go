package structs

import (
	"path"
	"strings"
)

func (t *Task) canonicalize(j *Job, g *TaskGroup) {
	if t == nil {
		return
	}
	t.Config = tidyConfig(t.Config)
	canonicalizePlacement(t.Constraints, t.Affinities, nil)
	setDefault(&t.KillTimeout, *seconds(5))
	t.RestartPolicy = mergeRestart(t.RestartPolicy, g.RestartPolicy)
	if t.Resources == nil {
		t.Resources = &Resources{}
	}
	t.Resources.canonicalize()
	t.canonicalizeLogs()
	for _, a := range t.Artifacts {
		a.canonicalize()
	}
	for _, tmpl := range t.Templates {
		tmpl.canonicalize()
	}
	t.Vault.canonicalize()
	t.Consul.canonicalize()
	for _, s := range t.Services {
		s.canonicalize(j.ID, g.Name, t.Name)
	}
	for _, m := range t.VolumeMounts {
		m.canonicalize()
	}
	if c := t.CSIPluginConfig; c != nil {
		setString(&c.MountDir, "/csi")
		setString(&c.StagePublishBaseDir, "/local/csi")
		if c.HealthTimeout == 0 {
			c.HealthTimeout = *seconds(30)
		}
	}
	target := map[string]string{"Namespace": j.Namespace, "Job": j.ID, "Group": g.Name, "Task": t.Name}
	for _, p := range t.ScalingPolicies {
		p.canonicalize(ScalingVerticalCPU, target)
		setDefault(&p.Min, 0)
	}
	t.canonicalizeIdentities()
	for _, s := range t.Secrets {
		s.Config = tidyConfig(s.Config)
	}
	if t.Schedule != nil && t.Schedule.Cron != nil {
		setString(&t.Schedule.Cron.Timezone, "UTC")
	}
}

// canonicalizeLogs also turns the legacy `enabled` round.
func (t *Task) canonicalizeLogs() {
	if t.LogConfig == nil {
		t.LogConfig = &LogConfig{}
	}
	l := t.LogConfig
	if l.Enabled != nil && l.Disabled == nil {
		l.Disabled = new(!*l.Enabled)
	}
	l.Enabled = nil
	setDefault(&l.MaxFiles, 10)
	setDefault(&l.MaxFileSizeMB, 10)
	setDefault(&l.Disabled, false)
}

// DefaultIdentity is the name and audience of the identity every task may have.
const (
	DefaultIdentity         = "default"
	DefaultIdentityAudience = "nomadproject.io"
)

// canonicalizeIdentities moves the identity named default to its own field, where the contract has it.
func (t *Task) canonicalizeIdentities() {
	var rest []*WorkloadIdentity
	for _, w := range t.Identities {
		if (w.Name == "" || w.Name == DefaultIdentity) && t.Identity == nil {
			t.Identity = w
			continue
		}
		rest = append(rest, w)
	}
	t.Identities = rest
	if t.Identity != nil {
		t.Identity.Name = DefaultIdentity
		t.Identity.Audience = []string{DefaultIdentityAudience}
		t.Identity.canonicalize()
	}
	for _, w := range t.Identities {
		w.canonicalize()
	}
}

func (w *WorkloadIdentity) canonicalize() {
	if w == nil {
		return
	}
	w.ChangeSignal = strings.ToUpper(w.ChangeSignal)
	if w.ChangeMode == ChangeModeSignal {
		setString(&w.ChangeSignal, "SIGHUP")
	}
}

func (r *Resources) canonicalize() {
	setDefault(&r.Cores, 0)
	switch {
	case *r.Cores > 0:
		setDefault(&r.CPU, 0)
	default:
		setDefault(&r.CPU, 100)
	}
	setDefault(&r.MemoryMB, 300)
	setDefault(&r.MemoryMaxMB, 0)
	setDefault(&r.DiskMB, 0)
	setDefault(&r.SecretsMB, 1)
	for _, n := range r.Networks {
		n.canonicalize()
	}
	for _, d := range r.Devices {
		if d != nil {
			setDefault(&d.Count, 1)
			canonicalizePlacement(d.Constraints, d.Affinities, nil)
		}
	}
	if r.NUMA != nil {
		setString(&r.NUMA.Affinity, "none")
	}
}

func (a *TaskArtifact) canonicalize() {
	if a == nil {
		return
	}
	setDefault(&a.GetterSource, "")
	setDefault(&a.GetterMode, "any")
	setString(a.GetterMode, "any")
	setDefault(&a.GetterInsecure, false)
	setDefault(&a.RelativeDest, "")
	if *a.RelativeDest != "" {
		return
	}
	*a.RelativeDest = "local/"
	if *a.GetterMode == "file" {
		source, _, _ := strings.Cut(*a.GetterSource, "?")
		*a.RelativeDest = path.Join("local", path.Base(source))
	}
}

// What happens to a task when a template, identity or secret of it changes.
const (
	ChangeModeNoop    = "noop"
	ChangeModeRestart = "restart"
	ChangeModeSignal  = "signal"
	ChangeModeScript  = "script"
)

func (t *Template) canonicalize() {
	if t == nil {
		return
	}
	setDefault(&t.SourcePath, "")
	setDefault(&t.DestPath, "")
	setDefault(&t.EmbeddedTmpl, "")
	setDefault(&t.ChangeMode, ChangeModeRestart)
	setString(t.ChangeMode, ChangeModeRestart)
	setDefault(&t.ChangeSignal, "")
	*t.ChangeSignal = strings.ToUpper(*t.ChangeSignal)
	if *t.ChangeMode == ChangeModeSignal {
		setString(t.ChangeSignal, "SIGHUP")
	}
	if s := t.ChangeScript; s != nil {
		setDefault(&s.Command, "")
		setDefault(&s.Timeout, *seconds(5))
		setDefault(&s.FailOnError, false)
		setDefault(&s.RunOnFirstRender, false)
	}
	setDefault(&t.Splay, *seconds(5))
	setDefault(&t.Perms, "0644")
	setDefault(&t.LeftDelim, "{{")
	setDefault(&t.RightDelim, "}}")
	setDefault(&t.Envvars, false)
	setDefault(&t.ErrMissingKey, false)
	setDefault(&t.VaultGrace, 0)
	if w := t.Wait; w != nil {
		setDefault(&w.Min, *seconds(5))
		setDefault(&w.Max, 4**w.Min)
	}
}

func (v *Vault) canonicalize() {
	if v == nil {
		return
	}
	setDefault(&v.Namespace, "")
	setString(&v.Cluster, "default")
	setDefault(&v.Env, true)
	setDefault(&v.DisableFile, false)
	setDefault(&v.ChangeMode, ChangeModeRestart)
	setDefault(&v.ChangeSignal, "SIGHUP")
	setDefault(&v.AllowTokenExpiration, false)
}

func (m *VolumeMount) canonicalize() {
	if m == nil {
		return
	}
	setDefault(&m.Volume, "")
	setDefault(&m.Destination, "")
	setDefault(&m.ReadOnly, false)
	setDefault(&m.PropagationMode, PropagationPrivate)
	setString(m.PropagationMode, PropagationPrivate)
	setDefault(&m.SELinuxLabel, "")
}

// Mount propagation modes.
const (
	PropagationPrivate       = "private"
	PropagationHostToTask    = "host-to-task"
	PropagationBidirectional = "bidirectional"
)
