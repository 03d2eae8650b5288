package fingerprint

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// storage finds the disk of the data directory (statfs(2)).
func storage(_ context.Context, cfg Config, r *Result) {
	var st unix.Statfs_t
	if err := unix.Statfs(cfg.DataDir, &st); err != nil {
		r.Problems = append(r.Problems, "the disk of "+cfg.DataDir+" cannot be looked at: "+err.Error())
		return
	}
	total, free := int64(st.Blocks)*st.Bsize, int64(st.Bavail)*st.Bsize
	if cfg.DiskTotalMB > 0 {
		total = cfg.DiskTotalMB << 20
		free = min(free, total)
	}
	r.Attributes["unique.storage.volume"] = mountOf(cfg)
	r.Attributes["unique.storage.bytestotal"] = strconv.FormatInt(total, 10)
	r.Attributes["unique.storage.bytesfree"] = strconv.FormatInt(free, 10)
	r.Resources.Disk.DiskMB = free >> 20
}

// mountOf names the file system that holds the data directory (proc_pid_mountinfo(5)).
func mountOf(cfg Config) string {
	text, _ := os.ReadFile(filepath.Join(cfg.Root, "proc/self/mountinfo"))
	return parseMountOf(string(text), cfg.DataDir)
}

// parseMountOf finds the longest mount point above a path, and gives its source.
func parseMountOf(text, path string) string {
	best, source := "", ""
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 5 {
			continue
		}
		point := f[4]
		above := path == point || strings.HasPrefix(path, strings.TrimSuffix(point, "/")+"/")
		_, rest, ok := strings.Cut(line, " - ")
		if after := strings.Fields(rest); above && ok && len(after) >= 2 && len(point) >= len(best) {
			best, source = point, after[1]
		}
	}
	return source
}
