package e2e

import (
	"math/rand/v2"
	"testing"
	"time"

	"berth/e2e/harness"
)

// badNetwork has every machine's cable lose, double and delay frames, each as much as chance has it, for a while.
func (w *town) badNetwork(lasts time.Duration) {
	w.Helper()
	var lines []*harness.BadLine
	mend := func() {
		for _, b := range lines {
			if err := b.Mend(); err != nil {
				w.Error(err)
			}
			w.Logf("a cable carried %d frames, lost %d and doubled %d", b.Carried.Load(), b.Lost.Load(), b.Doubled.Load())
		}
		lines = nil
	}
	defer func() { mend() }()
	for i := range w.agents {
		line := harness.Line{Lose: 0.01 + 0.29*rand.Float64(), Twice: 0.3 * rand.Float64(), Seed: rand.Uint64(),
			Delay: time.Duration(rand.Int64N(int64(20 * time.Millisecond))), Jitter: time.Duration(1 + rand.Int64N(int64(50*time.Millisecond)))}
		b, err := w.lan.Spoil(i+1, line)
		if err != nil {
			w.Fatal(err)
		}
		lines = append(lines, b)
	}
	w.rest(lasts)
	mend()
}

// Frames of three servers are lost, doubled, delayed and overtake each other, on every cable in both directions. What they answer is linearizable,
// and they go on when the network is good again.
func TestHistoriesOverABadNetworkAreLinearizable(t *testing.T) {
	w := newTown(t, 3)
	w.keepDead = true
	w.form()
	w.join(2, "server")
	w.join(3, "server")
	w.voters(3)
	h := w.history(3, rand.Uint64())
	w.badNetwork(2 * pause)
	h.flows("the network was bad")
	h.judge()
}
