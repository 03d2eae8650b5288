package fingerprint

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// memory finds the machine's memory (proc_meminfo(5)).
func memory(_ context.Context, cfg Config, r *Result) {
	text, _ := os.ReadFile(filepath.Join(cfg.Root, "proc/meminfo"))
	bytes := parseMemTotal(string(text))
	if cfg.MemoryTotalMB > 0 {
		bytes = cfg.MemoryTotalMB << 20
	}
	if bytes > 0 {
		r.Attributes["memory.totalbytes"] = strconv.FormatInt(bytes, 10)
		r.Resources.Memory.MemoryMB = bytes >> 20
	}
}

// parseMemTotal gives bytes, 0 when the text does not tell.
func parseMemTotal(text string) int64 {
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "MemTotal:" && f[2] == "kB" {
			kb, err := strconv.ParseInt(f[1], 10, 64)
			if err == nil && kb > 0 {
				return kb << 10
			}
		}
	}
	return 0
}

// kernel finds the kernel's name, version and architecture (uname(2)).
func kernel(_ context.Context, cfg Config, r *Result) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return
	}
	r.Attributes["kernel.name"] = strings.ToLower(unix.ByteSliceToString(u.Sysname[:]))
	r.Attributes["kernel.version"] = unix.ByteSliceToString(u.Release[:])
	r.Attributes["kernel.arch"] = unix.ByteSliceToString(u.Machine[:])
	if lsm, err := os.ReadFile(filepath.Join(cfg.Root, "sys/kernel/security/lsm")); err == nil {
		for name := range strings.SplitSeq(strings.TrimSpace(string(lsm)), ",") {
			if name == "landlock" {
				r.Attributes["kernel.landlock"] = "true"
			}
		}
	}
}

// osSignals are the signals a task may be sent, as the contract lists them.
const osSignals = "SIGABRT,SIGALRM,SIGBUS,SIGCHLD,SIGCONT,SIGFPE,SIGHUP,SIGILL,SIGINT,SIGIO,SIGIOT,SIGKILL,SIGPIPE,SIGPROF," +
	"SIGQUIT,SIGSEGV,SIGSTOP,SIGSYS,SIGTERM,SIGTRAP,SIGTSTP,SIGTTIN,SIGTTOU,SIGURG,SIGUSR1,SIGUSR2,SIGWINCH,SIGXCPU,SIGXFSZ"

// operatingSystem finds the distribution (os-release(5)).
func operatingSystem(_ context.Context, cfg Config, r *Result) {
	r.Attributes["os.signals"] = osSignals
	for _, name := range []string{"etc/os-release", "usr/lib/os-release"} {
		text, err := os.ReadFile(filepath.Join(cfg.Root, name))
		if err != nil {
			continue
		}
		release := parseOSRelease(string(text))
		for attr, key := range map[string]string{"os.name": "ID", "os.version": "VERSION_ID", "os.build": "BUILD_ID"} {
			if v := release[key]; v != "" {
				r.Attributes[attr] = v
			}
		}
		return
	}
}

func parseOSRelease(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && !strings.HasPrefix(key, "#") {
			out[key] = strings.Trim(value, `"'`)
		}
	}
	return out
}

// host finds the machine's name.
func host(_ context.Context, _ Config, r *Result) {
	if name, err := os.Hostname(); err == nil && name != "" {
		r.Attributes["unique.hostname"] = name
	}
}

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
