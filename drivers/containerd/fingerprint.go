package containerd

import (
	"context"
	"os/exec"
	"strings"
	"time"

	"berth/drivers"
	"berth/drivers/containerd/internal/cgroup"
)

// Fingerprint looks at containerd, the runtime and the kernel.
func (d *Driver) Fingerprint(ctx context.Context) drivers.Fingerprint {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	sick := func(why string) drivers.Fingerprint {
		return drivers.Fingerprint{Detected: true, HealthDescription: why}
	}
	runc, err := d.runcPath()
	if err != nil {
		return drivers.Fingerprint{HealthDescription: "containers cannot run: " + err.Error()}
	}
	out, err := exec.CommandContext(ctx, runc, "--version").Output()
	if err != nil {
		return sick("containers cannot run: " + runc + " does not work: " + err.Error() + " (apt-get install --reinstall runc)")
	}
	c, ctx, err := d.connect(ctx)
	if err != nil {
		return sick("containers cannot run: " + err.Error())
	}
	v, err := c.Version(ctx)
	if err != nil {
		return sick("containerd does not answer: " + err.Error())
	}
	if _, err := c.SnapshotService(snapshotter).Usage(ctx, "-"); err != nil && strings.Contains(err.Error(), "not loaded") {
		return sick("containers cannot run: containerd has no overlayfs snapshotter (modprobe overlay)")
	}
	name := "driver." + d.Name()
	attrs := map[string]string{
		name:                      "1",
		name + ".version":         strings.TrimPrefix(v.Version, "v"),
		name + ".runtime":         "runc",
		name + ".runtime.version": runcVersion(string(out)),
		name + ".snapshotter":     snapshotter,
		name + ".embedded":        boolText(d.cfg.Daemon.Embedded()),
		name + ".cgroup":          "v1",
		name + ".privileged":      boolText(d.cfg.AllowPrivileged),
		name + ".volumes.enabled": boolText(d.cfg.VolumesEnabled),
	}
	if cgroup.Unified() {
		attrs[name+".cgroup"] = "v2"
	}
	return drivers.Fingerprint{Detected: true, Healthy: true, HealthDescription: "Healthy", Attributes: attrs}
}

// runcVersion is the last word of "runc version 1.1.5".
func runcVersion(out string) string {
	line, _, _ := strings.Cut(out, "\n")
	f := strings.Fields(line)
	if len(f) == 0 {
		return "unknown"
	}
	return f[len(f)-1]
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}
