package containerd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"berth/drivers/containerd"
)

// look prints what a process in a container can tell of its own cage, as "key value" lines.
const look = `
status() { sed -n "s/^$1:[[:space:]]*//p" /proc/self/status; }
for k in CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp; do echo "$k $(status $k)"; done
for n in pid mnt ipc uts net cgroup user; do echo "ns.$n $(readlink /proc/self/ns/$n)"; done
echo "pids $(ls -d /proc/[0-9]* | wc -l)"
echo "pid1 $(tr '\0' ' ' < /proc/1/cmdline | head -c 7)"
hidden() { if [ -d "$1" ]; then [ -z "$(ls -A "$1")" ]; else [ ! -s "$1" ] && [ -z "$(head -c 1 "$1" 2>/dev/null)" ]; fi; }
for f in /proc/kcore /proc/keys /proc/timer_list /proc/sched_debug /proc/scsi /proc/acpi /proc/asound /proc/latency_stats /proc/interrupts /sys/firmware /sys/devices/virtual/powercap /sys/fs/bpf /sys/kernel/debug /sys/kernel/tracing; do
  [ -e $f ] || continue
  if hidden $f; then echo "hidden $f"; else echo "seen $f"; fi
done
for f in /proc/sys/kernel/panic /proc/sysrq-trigger /proc/irq/default_smp_affinity /proc/bus/x /proc/fs/x /sys/kernel/mm/x /sys/x; do
  if (echo 1 > $f) 2>/dev/null; then echo "writes $f"; fi
done
for f in /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/memory.max /sys/fs/cgroup/*/cgroup.procs /sys/fs/cgroup/*/memory.limit_in_bytes /sys/fs/cgroup/*/release_agent; do
  [ -e "$f" ] || continue
  if (echo 1 > $f) 2>/dev/null; then echo "writes $f"; fi
done
if (echo x > /file) 2>/dev/null; then echo "root writable"; else echo "root read-only"; fi
if mount -t tmpfs none /tmp 2>/dev/null; then echo "mounts"; fi
if mknod /tmp/disk b 8 0 2>/dev/null; then echo "makes devices"; fi
if unshare -U true 2>/dev/null; then echo "unshares"; fi
if chroot / true 2>/dev/null; then echo "chroots"; fi
if dmesg >/dev/null 2>&1 && [ "$(cat /proc/sys/kernel/dmesg_restrict)" = 1 ]; then echo "reads the kernel's log"; fi
echo "devices $(ls /dev | tr '\n' ' ')"
echo "suid $(grep -c ' / .*nosuid' /proc/mounts)"
for f in / /dev /proc /sys /dev/shm /dev/mqueue; do echo "mount $f $(awk -v f=$f '$2==f {print $4}' /proc/mounts | tail -1)"; done
`

func (n *node) look(id string, config values) (map[string]string, string) {
	n.t.Helper()
	r, out := n.run(with(n.config(id, look), config))
	if !r.Successful() {
		n.t.Fatalf("%+v\n%s", r, out)
	}
	seen := map[string]string{}
	for line := range strings.Lines(out) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), " ")
		if k == "mount" || k == "hidden" || k == "seen" || k == "writes" {
			name, rest, _ := strings.Cut(v, " ")
			k, v = k+" "+name, rest
		}
		seen[k] = v
	}
	return seen, out
}

// defaultCaps are CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, FSETID 4, KILL 5, SETGID 6, SETUID 7, SETPCAP 8, NET_BIND_SERVICE 10, SETFCAP 31.
const defaultCaps = 1<<0 | 1<<1 | 1<<3 | 1<<4 | 1<<5 | 1<<6 | 1<<7 | 1<<8 | 1<<10 | 1<<31

func TestATaskIsIsolated(t *testing.T) {
	n := newNode(t)
	seen, out := n.look("isolated", nil)
	caps := fmt.Sprintf("%016x", uint64(defaultCaps))
	for key, want := range map[string]string{
		"CapInh": fmt.Sprintf("%016x", 0), "CapAmb": fmt.Sprintf("%016x", 0), "CapPrm": caps, "CapEff": caps, "CapBnd": caps,
		"NoNewPrivs": "1", "Seccomp": "2", "pid1": "/bin/sh", "root": "writable",
		"devices": "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero ",
	} {
		if key == "devices" {
			seen[key] = strings.TrimPrefix(seen[key], "core ") // a link some versions of runc make
		}
		if got := seen[key]; strings.TrimSpace(got) != strings.TrimSpace(want) {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	for _, ns := range []string{"pid", "mnt", "ipc", "uts", "net", "cgroup"} {
		host, err := os.Readlink("/proc/self/ns/" + ns)
		if err != nil {
			t.Fatal(err)
		}
		if seen["ns."+ns] == "" || seen["ns."+ns] == host {
			t.Errorf("the %s namespace is the host's: %q", ns, seen["ns."+ns])
		}
	}
	for line := range seen {
		if strings.HasPrefix(line, "seen ") || strings.HasPrefix(line, "writes ") {
			t.Errorf("a task %s", line)
		}
	}
	for _, f := range []string{"/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"} {
		if _, err := os.Stat(f); err == nil {
			if _, ok := seen["hidden "+f]; !ok {
				t.Errorf("%s is not hidden", f)
			}
		}
	}
	for _, word := range []string{"mounts", "makes", "unshares", "chroots", "reads"} {
		if v, ok := seen[word]; ok {
			t.Errorf("a task %s %s", word, v)
		}
	}
	for f, options := range map[string][]string{"/sys": {"ro", "nosuid", "nodev", "noexec"}, "/proc": {"nosuid", "nodev", "noexec"},
		"/dev": {"nosuid"}, "/dev/shm": {"nosuid", "nodev", "noexec"}, "/dev/mqueue": {"nosuid", "nodev", "noexec"}} {
		have := strings.Split(seen["mount "+f], ",")
		for _, o := range options {
			if !strings.Contains(","+strings.Join(have, ",")+",", ","+o+",") {
				t.Errorf("%s is mounted %v, not %s", f, have, o)
			}
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}

func TestIsolationOptions(t *testing.T) {
	n := newNode(t)
	n.cfg = containerd.Config{AllowPrivileged: true}
	n.again()
	host := func(ns string) string {
		l, err := os.Readlink("/proc/self/ns/" + ns)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	for id, c := range map[string]struct {
		config values
		want   map[string]string
	}{
		"readonly":   {values{"readonly_rootfs": true}, map[string]string{"root": "read-only", "NoNewPrivs": "1", "Seccomp": "2"}},
		"no-caps":    {values{"cap_drop": []any{"ALL"}}, map[string]string{"CapEff": "0000000000000000", "CapBnd": "0000000000000000", "Seccomp": "2"}},
		"one-cap":    {values{"cap_drop": []any{"ALL"}, "cap_add": []any{"NET_RAW"}}, map[string]string{"CapEff": "0000000000002000"}},
		"unconfined": {values{"security_opt": []any{"seccomp=unconfined"}}, map[string]string{"Seccomp": "0", "NoNewPrivs": "1"}},
		"new-privs":  {values{"security_opt": []any{"no-new-privileges=false"}}, map[string]string{"Seccomp": "2", "NoNewPrivs": "0"}},
		"pid":        {values{"pid_mode": "host"}, map[string]string{"ns.pid": host("pid"), "Seccomp": "2"}},
		"ipc":        {values{"ipc_mode": "host"}, map[string]string{"ns.ipc": host("ipc"), "Seccomp": "2"}},
		"uts":        {values{"uts_mode": "host"}, map[string]string{"ns.uts": host("uts"), "Seccomp": "2"}},
		"privileged": {values{"privileged": true}, map[string]string{"Seccomp": "0", "NoNewPrivs": "0"}},
	} {
		seen, out := n.look("options-"+id, c.config)
		for key, want := range c.want {
			if seen[key] != want {
				t.Errorf("%s: %s is %q, want %q\n%s", id, key, seen[key], want, out)
			}
		}
	}
}

// limit reads a limit of a running task's cgroup, in the file of either version of the hierarchy.
func (n *node) limit(id, controller, v1, v2 string) string {
	n.t.Helper()
	for _, f := range []string{filepath.Join("/sys/fs/cgroup", controller, n.cgroup, id, v1), filepath.Join("/sys/fs/cgroup", n.cgroup, id, v2)} {
		if b, err := os.ReadFile(f); err == nil {
			return strings.TrimSpace(string(b))
		}
	}
	n.t.Errorf("the task has neither %s nor %s", v1, v2)
	return ""
}

func TestLimitsOfATaskAreTheKernels(t *testing.T) {
	n := newNode(t)
	n.cfg = containerd.Config{NodeCPUMHz: func() int64 { return 4000 }}
	n.again()
	cfg := with(n.config("limits", "exec sleep 1000"), values{"pids_limit": 33, "oom_score_adj": 500, "cpu_hard_limit": true,
		"ulimit": values{"nofile": "100:200"}})
	cfg.Resources.CPUShares, cfg.Resources.MemoryMB = 1000, 48
	h := n.start(cfg)
	if got := n.limit("limits", "memory", "memory.limit_in_bytes", "memory.max"); got != "50331648" {
		t.Errorf("memory: %s", got)
	}
	if got := n.limit("limits", "pids", "pids.max", "pids.max"); got != "33" {
		t.Errorf("pids: %s", got)
	}
	if got := n.limit("limits", "cpu", "cpu.shares", "cpu.weight"); got != "1000" && got != "39" { // 1 + (1000-2)*9999/262142
		t.Errorf("cpu weight: %s", got)
	}
	quota := n.limit("limits", "cpu", "cpu.cfs_quota_us", "cpu.max")
	if quota == "-1" || strings.HasPrefix(quota, "max") {
		t.Errorf("cpu quota: %s", quota)
	}
	proc := filepath.Join("/proc", fmt.Sprint(h.Pid))
	for file, want := range map[string]string{"oom_score_adj": "500\n", "limits": "Max open files            100                  200"} {
		b, err := os.ReadFile(filepath.Join(proc, file))
		if err != nil || !strings.Contains(string(b), want) {
			t.Errorf("%s: %s %v", file, b, err)
		}
	}
}

func TestAForkBombAndAMemoryHogStayInTheirTask(t *testing.T) {
	n := newNode(t)
	neighbour := n.allocMount(n.config("neighbour", "i=0; while [ ! -e /alloc/end ]; do i=$((i+1)); (:); echo; done"))
	n.start(neighbour)
	bomb := with(n.config("bomb", `b() { b | b & }; b 2>&1 | head -c 4096; sleep 0.3; echo refused`), values{"pids_limit": 20})
	n.start(bomb)
	n.wait("bomb")
	hog := n.config("hog", "head -c 200m /dev/zero | tail")
	n.start(hog)
	if r := n.wait("hog"); r.Successful() {
		t.Errorf("%+v", r)
	}
	lines := countLines(neighbour.StdoutPath)
	n.eventually("the neighbour goes on", func() bool { return countLines(neighbour.StdoutPath) > lines+20 })
	touch(t, neighbour, "end")
	if r := n.wait("neighbour"); !r.Successful() {
		t.Errorf("%+v", r)
	}
}
