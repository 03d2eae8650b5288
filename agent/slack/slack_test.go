package slack

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestTheMonitorIsTheFirstThreadAfterMain(t *testing.T) {
	for _, c := range []struct {
		name string
		ids  []int
		main int
		want int // 0: an error
	}{
		{"alone", []int{7}, 7, 0},
		{"next", []int{9, 7, 8, 12}, 7, 8},
		{"another process had the next id", []int{7, 15, 11}, 7, 11},
		{"ids began anew after main", []int{5, 3, 4_194_000}, 4_194_000, 3},
		{"ids began anew after the monitor", []int{3, 4_194_000, 4_194_001}, 4_194_000, 4_194_001},
	} {
		got, err := firstAfter(c.ids, c.main)
		if got != c.want || (err == nil) != (c.want != 0) {
			t.Errorf("%s: %d, %v; want %d", c.name, got, err, c.want)
		}
	}
}

func TestTheMonitorIsLate(t *testing.T) {
	read := func(thread int) int64 {
		t.Helper()
		text, err := os.ReadFile(path(thread))
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	err := Monitor()
	if errors.Is(err, fs.ErrPermission) && os.Geteuid() != 0 {
		return // it may not: then nothing is changed
	}
	if err != nil {
		t.Fatal(err)
	}
	own, err := monitor()
	if err != nil {
		t.Fatal(err)
	}
	if got := read(own); got != Late.Nanoseconds() {
		t.Errorf("the monitor's timers may come %d ns late, want %d", got, Late.Nanoseconds())
	}
	if got := read(os.Getpid()); got == Late.Nanoseconds() {
		t.Error("so may those of the first thread")
	}
}
