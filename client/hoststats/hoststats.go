package hoststats

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Stats is one sample, in the shape of the contract.
type Stats struct {
	Memory           Memory
	CPU              []CPU
	DiskStats        []Disk
	AllocDirStats    *Disk
	Uptime           uint64  // seconds
	Timestamp        int64   // Unix ns
	CPUTicksConsumed float64 // MHz in use
}

// Memory is in bytes.
type Memory struct{ Total, Available, Used, Free uint64 }

// CPU is one processor's share of the time since the last sample, in percent.
type CPU struct {
	CPU          string
	User         float64
	System       float64
	Idle         float64
	TotalPercent float64
	Total        float64 // the same as TotalPercent, by its older name
}

// Disk is one file system; sizes in bytes.
type Disk struct {
	Device, Mountpoint string
	Size, Used         uint64
	Available          uint64
	UsedPercent        float64
	InodesUsedPercent  float64
}

// Sampler samples. The zero value is ready; its first sample of the processors covers the time since the machine started.
type Sampler struct {
	mu   sync.Mutex // guards last
	last map[string]ticks
}

// ticks are a processor's times since the machine started.
type ticks struct{ user, system, idle uint64 }

// Sample looks now. allocDir is the file system of the allocations; totalMHz is what the machine can do.
func (s *Sampler) Sample(allocDir string, totalMHz int64) (*Stats, error) {
	mem, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return nil, fmt.Errorf("read memory use: %w", err)
	}
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return nil, fmt.Errorf("read processor use: %w", err)
	}
	disk, err := DiskOf(allocDir)
	if err != nil {
		return nil, err
	}
	out := &Stats{Memory: parseMemory(mem), DiskStats: []Disk{*disk}, AllocDirStats: disk, Timestamp: time.Now().UnixNano()}
	if up, err := os.ReadFile("/proc/uptime"); err == nil {
		first, _, _ := strings.Cut(string(up), " ")
		seconds, _ := strconv.ParseFloat(first, 64)
		out.Uptime = uint64(seconds)
	}
	now := parseTicks(stat)
	s.mu.Lock()
	before := s.last
	s.last = now
	s.mu.Unlock()
	busy := 0.0
	for i := 0; ; i++ {
		name := "cpu" + strconv.Itoa(i)
		t, found := now[name]
		if !found {
			break
		}
		c := share(name, before[name], t)
		busy += c.TotalPercent
		out.CPU = append(out.CPU, c)
	}
	if n := len(out.CPU); n > 0 {
		out.CPUTicksConsumed = busy / 100 / float64(n) * float64(totalMHz)
	}
	return out, nil
}

func share(name string, before, now ticks) CPU {
	user, system, idle := float64(now.user-before.user), float64(now.system-before.system), float64(now.idle-before.idle)
	total := user + system + idle
	if total <= 0 {
		return CPU{CPU: name, Idle: 100}
	}
	c := CPU{CPU: name, User: 100 * user / total, System: 100 * system / total, Idle: 100 * idle / total}
	c.TotalPercent = c.User + c.System
	c.Total = c.TotalPercent
	return c
}

// parseTicks reads /proc/stat: user nice system idle iowait irq softirq steal.
func parseTicks(stat []byte) map[string]ticks {
	out := map[string]ticks{}
	for line := range bytes.Lines(stat) {
		f := strings.Fields(string(line))
		if len(f) < 9 || !strings.HasPrefix(f[0], "cpu") {
			continue
		}
		var v [8]uint64
		for i := range v {
			v[i], _ = strconv.ParseUint(f[i+1], 10, 64)
		}
		out[f[0]] = ticks{user: v[0] + v[1], system: v[2] + v[5] + v[6] + v[7], idle: v[3] + v[4]}
	}
	return out
}

func parseMemory(info []byte) Memory {
	var m Memory
	for sc := bufio.NewScanner(bytes.NewReader(info)); sc.Scan(); {
		f := strings.Fields(sc.Text())
		if len(f) < 2 {
			continue
		}
		kb, _ := strconv.ParseUint(f[1], 10, 64)
		switch f[0] {
		case "MemTotal:":
			m.Total = kb << 10
		case "MemFree:":
			m.Free = kb << 10
		case "MemAvailable:":
			m.Available = kb << 10
		}
	}
	m.Used = m.Total - m.Available
	return m
}

// DiskOf looks at the file system a path is on.
func DiskOf(path string) (*Disk, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return nil, fmt.Errorf("look at the file system of %s: %w", path, err)
	}
	block := uint64(st.Bsize) //nolint:gosec // a block size is not negative
	d := &Disk{Device: path, Mountpoint: path, Size: st.Blocks * block, Available: st.Bavail * block}
	d.Used = (st.Blocks - st.Bfree) * block
	if d.Used+d.Available > 0 {
		d.UsedPercent = 100 * float64(d.Used) / float64(d.Used+d.Available)
	}
	if st.Files > 0 {
		d.InodesUsedPercent = 100 * float64(st.Files-st.Ffree) / float64(st.Files)
	}
	return d, nil
}
