package fingerprint

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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
