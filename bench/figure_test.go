package bench

import (
	"strings"
	"testing"
	"time"
)

func TestPercentileIsByNearestRank(t *testing.T) {
	var samples []time.Duration
	for i := range 100 {
		samples = append(samples, time.Duration(100-i))
	}
	for p, want := range map[float64]time.Duration{0: 1, 0.5: 51, 0.99: 100, 1: 100} {
		if got := Percentile(samples, p); got != want {
			t.Errorf("p%v is %d, want %d", p, got, want)
		}
	}
}

func TestTheTableTellsAMissedGoal(t *testing.T) {
	var b strings.Builder
	Print(&b, []Figure{{What: "a", Unit: "s", Goal: 2, Measured: 1}, {What: "b", Unit: "s", Goal: 1, Measured: 2, Nomad: 3}})
	lines := strings.Split(b.String(), "\n")
	if strings.Contains(lines[1], "MISSED") || !strings.Contains(lines[2], "MISSED") {
		t.Errorf("the table:\n%s", b.String())
	}
}

func TestTheMachineIsTold(t *testing.T) {
	text, err := Machine(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"processors; load average", "MB/s", "on the disk after"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q does not tell %q", text, want)
		}
	}
}
