package language

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"berth/bench"
	"berth/internal/testjob"
	"berth/jobspec"
)

// Rounds of each case.
const (
	parseRounds   = 200
	largeRounds   = 5
	processRounds = 20
)

// Measure reads the files; binary is the program, dir a directory for its file.
func Measure(ctx context.Context, binary, dir string) ([]bench.Figure, error) {
	small, err := best(parseRounds, func() error { return parse(testjob.Ordinary()) })
	if err != nil {
		return nil, err
	}
	large, err := best(largeRounds, func() error { return parse(testjob.Generated(1 << 20)) })
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "job.hcl")
	if err := os.WriteFile(file, testjob.Ordinary(), 0o644); err != nil {
		return nil, err
	}
	process, err := best(processRounds, func() error {
		if out, err := exec.CommandContext(ctx, binary, "job", "validate", file).CombinedOutput(); err != nil {
			return fmt.Errorf("job validate: %w: %s", err, out)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return []bench.Figure{
		{What: "read and check a job of 3 tasks, 150 lines", Unit: "ms", Goal: 1, Measured: ms(small)},
		{What: "read and check a generated file of 1 MB", Unit: "ms", Goal: 300, Measured: ms(large)},
		{What: "berth job validate, as a process", Unit: "ms", Goal: 60, Measured: ms(process)},
	}, nil
}

func parse(src []byte) error {
	if res, diags := jobspec.Parse(jobspec.ParseOptions{Filename: "job.hcl", Source: src}); res == nil {
		return diags.Err()
	}
	return nil
}

// best is the shortest of some rounds.
func best(rounds int, round func() error) (time.Duration, error) {
	var shortest time.Duration
	for i := range rounds {
		began := time.Now()
		if err := round(); err != nil {
			return 0, err
		}
		if d := time.Since(began); i == 0 || d < shortest {
			shortest = d
		}
	}
	return shortest, nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
