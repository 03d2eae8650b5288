package fingerprint

import (
	"context"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// cgroups finds which version of control groups the machine has (cgroups(7)).
func cgroups(_ context.Context, cfg Config, r *Result) {
	var st unix.Statfs_t
	point := filepath.Join(cfg.Root, "sys/fs/cgroup")
	if err := unix.Statfs(point, &st); err != nil {
		return
	}
	v := "1"
	if st.Type == unix.CGROUP2_SUPER_MAGIC {
		v = "2"
	}
	r.Attributes["os.cgroups.version"], r.Attributes["unique.cgroup.version"], r.Attributes["unique.cgroup.mountpoint"] = v, "v"+v, point
}
