package bench

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Machine tells in a line what a run was measured on: figures of a loaded machine, or of a slow disk, are figures of these.
func Machine(dir string) (string, error) {
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "", err
	}
	syncs, err := syncTimes(dir, 50)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d processors; load average %s; one core hashes %.0f MB/s; a write of 4 KiB is on the disk after %.2f ms, at worst %.1f ms",
		runtime.NumCPU(), strings.Join(strings.Fields(string(load))[:3], " "), hashRate(), ms(syncs[len(syncs)/2]), ms(syncs[len(syncs)-1])), nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// hashRate is how fast one core is, in MB of SHA-256 a second.
func hashRate() float64 {
	block := make([]byte, 1<<20)
	n, begin := 0, time.Now()
	for time.Since(begin) < 50*time.Millisecond {
		sum := sha256.Sum256(block)
		block[0] = sum[0] // so that it is done
		n++
	}
	return float64(n*len(block)) / 1e6 / time.Since(begin).Seconds()
}

// syncTimes are how long appended pages took to reach the disk, sorted.
func syncTimes(dir string, n int) (took []time.Duration, err error) {
	f, err := os.CreateTemp(dir, "berthbench-sync-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	page := make([]byte, 4096)
	for range n {
		begin := time.Now()
		if _, err := f.Write(page); err != nil {
			return nil, err
		}
		if err := f.Sync(); err != nil {
			return nil, err
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	return took, nil
}
