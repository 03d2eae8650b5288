package fingerprint

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"berth/structs"
)

// fallbackMHz is the speed of a processor that does not tell its own, as many virtual ones.
const fallbackMHz = 1000

// cpu finds the processors this process may use, their model and their speed (proc_cpuinfo(5), sysfs cpufreq).
func cpu(_ context.Context, cfg Config, r *Result) {
	text, _ := os.ReadFile(filepath.Join(cfg.Root, "proc/cpuinfo"))
	info := parseCPUInfo(string(text))
	cores := runtime.NumCPU()
	mhz := info.mhz
	if khz, err := os.ReadFile(filepath.Join(cfg.Root, "sys/devices/system/cpu/cpu0/cpufreq/base_frequency")); err == nil {
		if n, err := strconv.ParseInt(strings.TrimSpace(string(khz)), 10, 64); err == nil && n > 0 {
			mhz = n / 1000
		}
	}
	if mhz == 0 {
		mhz = fallbackMHz
	}
	total := mhz * int64(cores)
	if cfg.CPUTotalMHz > 0 {
		total = cfg.CPUTotalMHz
	}
	r.Attributes["cpu.arch"] = runtime.GOARCH
	r.Attributes["cpu.numcores"] = strconv.Itoa(cores)
	r.Attributes["cpu.reservablecores"] = strconv.Itoa(cores)
	r.Attributes["cpu.frequency"] = strconv.FormatInt(mhz, 10)
	r.Attributes["cpu.totalcompute"] = strconv.FormatInt(total, 10)
	r.Attributes["cpu.usablecompute"] = strconv.FormatInt(total, 10)
	if info.model != "" {
		r.Attributes["cpu.modelname"] = info.model
	}
	ids := make([]uint16, cores)
	for i := range ids {
		ids[i] = uint16(i)
	}
	r.Resources.Cpu = structs.NodeCPUResources{CpuShares: total, TotalCpuCores: uint16(cores), ReservableCpuCores: ids}
}

type cpuInfo struct {
	model string
	mhz   int64 // of the fastest processor as it says now
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
			// Models such as "... CPU @ 2.90GHz" tell the nominal speed, which does not change from look to look.
			if _, speed, ok := strings.Cut(value, "@ "); ok {
				if ghz, err := strconv.ParseFloat(strings.TrimSuffix(speed, "GHz"), 64); err == nil {
					info.mhz = int64(ghz*1000 + 0.5)
				}
			}
		case "cpu MHz":
			if mhz, err := strconv.ParseFloat(value, 64); err == nil && !strings.Contains(info.model, "@ ") {
				info.mhz = max(info.mhz, int64(mhz+0.5))
			}
		}
	}
	return info
}
