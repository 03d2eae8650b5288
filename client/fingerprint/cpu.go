package fingerprint

import (
	"cmp"
	"context"
	"math/bits"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"berth/structs"
)

// fallbackMHz is the speed of a processor that does not tell its own, as many virtual ones.
const fallbackMHz = 1000

// maxGHz bounds what is believed.
const maxGHz = 100

// cpu finds the processors this process may use, their model and their speed (proc_cpuinfo(5), sysfs cpufreq).
func cpu(_ context.Context, cfg Config, r *Result) {
	text, _ := os.ReadFile(filepath.Join(cfg.Root, "proc/cpuinfo"))
	info := parseCPUInfo(string(text))
	ids := usableCores()
	cores := int64(len(ids))
	mhz := info.speed(readKHz(cfg, "base_frequency"), readKHz(cfg, "cpuinfo_max_freq"))
	total := mhz * cores
	if cfg.CPUTotalMHz > 0 {
		total = cfg.CPUTotalMHz
	}
	reservable := slices.DeleteFunc(slices.Clone(ids), func(id uint16) bool { return slices.Contains(cfg.Reserved.Cpu.ReservedCpuCores, id) })
	reserved := cfg.Reserved.Cpu.CpuShares + (cores-int64(len(reservable)))*total/cores
	for attr, n := range map[string]int64{
		"cpu.numcores": cores, "cpu.reservablecores": int64(len(reservable)), "cpu.frequency": mhz, "cpu.totalcompute": total,
		"cpu.usablecompute": max(total-reserved, 0),
	} {
		r.Attributes[attr] = strconv.FormatInt(n, 10)
	}
	r.Attributes["cpu.arch"] = runtime.GOARCH
	if info.model != "" {
		r.Attributes["cpu.modelname"] = info.model
	}
	r.Resources.Cpu = structs.NodeCPUResources{CpuShares: total, TotalCpuCores: uint16(cores), ReservableCpuCores: ids}
}

// usableCores are the numbers of the processors this process may run on (sched_getaffinity(2)); never none.
func usableCores() []uint16 {
	var set unix.CPUSet
	var ids []uint16
	if err := unix.SchedGetaffinity(0, &set); err == nil {
		for id := range len(set) * bits.UintSize {
			if set.IsSet(id) {
				ids = append(ids, uint16(id))
			}
		}
	}
	for id := len(ids); id < runtime.NumCPU(); id++ { // more than the set can hold, or no such call
		ids = append(ids, uint16(id))
	}
	return ids
}

// readKHz reads a frequency of the first processor, 0 when it is not told.
func readKHz(cfg Config, name string) int64 {
	text, err := os.ReadFile(filepath.Join(cfg.Root, "sys/devices/system/cpu/cpu0/cpufreq", name))
	if err != nil {
		return 0
	}
	return parsePositive(string(text))
}

// parsePositive reads a number of the kernel's, 0 when it is none.
func parsePositive(text string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

type cpuInfo struct {
	model   string
	nominal int64 // MHz in the model's name
	now     int64 // MHz of the fastest processor at the time of the look
}

// speed is the MHz of one processor: rather one that stays as it is from look to look than the one of the moment.
func (i cpuInfo) speed(baseKHz, maxKHz int64) int64 {
	return cmp.Or(baseKHz/1000, i.nominal, maxKHz/1000, i.now, fallbackMHz)
}

func parseCPUInfo(text string) cpuInfo {
	var info cpuInfo
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		switch value = strings.TrimSpace(value); strings.TrimSpace(key) {
		case "model name", "Model":
			if info.model == "" {
				info.model = value
			}
			if _, speed, ok := strings.Cut(value, "@ "); ok { // "... CPU @ 2.90GHz"
				if ghz, err := strconv.ParseFloat(strings.TrimSuffix(speed, "GHz"), 64); err == nil && ghz > 0 && ghz < maxGHz {
					info.nominal = int64(ghz*1000 + 0.5)
				}
			}
		case "cpu MHz":
			if mhz, err := strconv.ParseFloat(value, 64); err == nil && mhz > 0 && mhz < maxGHz*1000 {
				info.now = max(info.now, int64(mhz+0.5))
			}
		}
	}
	return info
}
