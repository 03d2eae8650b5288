package network

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
)

// BenchmarkSetup measures 100 allocations set up one after the other on a machine that does nothing else.
func BenchmarkSetup(b *testing.B) {
	const count = 100
	var took []time.Duration
	for b.Loop() {
		m := testManager(b, nil)
		setUp(b, m, bridgeRequest("stay"))
		for i := range count {
			start := time.Now()
			setUp(b, m, bridgeRequest(fmt.Sprintf("alloc-%d", i), Port{Label: "http", Host: 20000 + i, To: 80}))
			took = append(took, time.Since(start))
		}
		if err := m.RemoveAll(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms/p99")
}

// BenchmarkSetupTeardown measures one allocation after the other, beside 100 that stay.
func BenchmarkSetupTeardown(b *testing.B) {
	m := testManager(b, nil)
	each(b, 100, func(i int) error {
		_, err := m.Setup(context.Background(), bridgeRequest(fmt.Sprintf("stay-%d", i), Port{Label: "http", Host: 10000 + i}))
		return err
	})
	var setup, teardown time.Duration
	for i := 0; b.Loop(); i++ {
		id := fmt.Sprintf("alloc-%d", i)
		start := time.Now()
		setUp(b, m, bridgeRequest(id, Port{Label: "http", Host: 20000 + i%10000, To: 80}))
		middle := time.Now()
		tearDown(b, m, id)
		setup, teardown = setup+middle.Sub(start), teardown+time.Since(middle)
	}
	b.ReportMetric(float64(setup.Microseconds())/1000/float64(b.N), "ms/setup")
	b.ReportMetric(float64(teardown.Microseconds())/1000/float64(b.N), "ms/teardown")
}

// BenchmarkTogether measures 50 allocations set up at the same time, and torn down so.
func BenchmarkTogether(b *testing.B) {
	m := testManager(b, nil)
	setUp(b, m, bridgeRequest("stay"))
	const count = 50
	var setup, teardown time.Duration
	for b.Loop() {
		start := time.Now()
		each(b, count, func(i int) error {
			_, err := m.Setup(context.Background(), bridgeRequest(fmt.Sprintf("alloc-%d", i), Port{Label: "http", Host: 20000 + i}))
			return err
		})
		middle := time.Now()
		each(b, count, func(i int) error { return m.Teardown(context.Background(), fmt.Sprintf("alloc-%d", i)) })
		setup, teardown = setup+middle.Sub(start), teardown+time.Since(middle)
	}
	b.ReportMetric(float64(setup.Microseconds())/1000/float64(b.N)/count, "ms/setup")
	b.ReportMetric(float64(teardown.Microseconds())/1000/float64(b.N)/count, "ms/teardown")
}

// BenchmarkSync measures the start of an agent with 500 running allocations.
func BenchmarkSync(b *testing.B) {
	m := testManager(b, nil)
	const count = 500
	keep := make([]Request, count)
	for i := range keep {
		keep[i] = bridgeRequest(fmt.Sprintf("alloc-%d", i), Port{Label: "http", Host: 20000 + i})
	}
	for start := 0; start < count; start += 50 {
		each(b, 50, func(i int) error { _, err := m.Setup(context.Background(), keep[start+i]); return err })
	}
	for b.Loop() {
		if err := again(b, m).Sync(context.Background(), keep); err != nil {
			b.Fatal(err)
		}
	}
}
