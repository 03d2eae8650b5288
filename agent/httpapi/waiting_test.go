package httpapi

import (
	"context"
	"errors"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/hashicorp/go-hclog"

	"berth/agent/config"
	"berth/internal/idgen"
	"berth/server"
	"berth/state"
	"berth/structs"
)

func idleAPI(t *testing.T) *API {
	t.Helper()
	s, err := server.New(server.Config{Name: "s1", Logger: hclog.NewNullLogger(), IDs: idgen.Seeded(1)})
	if err != nil {
		t.Fatal(err)
	}
	return New(Deps{Config: config.Default(), Server: s, Logger: hclog.NewNullLogger(), Logs: noLog})
}

func heapBytes() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestReadsThatWaitHoldNothingOfTheirAnswers lets 5,000 reads wait whose answers together would be half a gigabyte.
func TestReadsThatWaitHoldNothingOfTheirAnswers(t *testing.T) {
	const reads, size, each = 5000, 100 << 10, 24 << 10
	a := idleAPI(t)
	synctest.Test(t, func(t *testing.T) {
		before := heapBytes()
		changed := make(chan struct{})
		var waiting sync.WaitGroup
		for range reads {
			waiting.Go(func() {
				r := a.request(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "GET", "/v1/jobs?index=5", nil))
				index := uint64(5)
				v, err := r.read(func(*state.Snapshot) (answer, error) {
					out := answer{value: make([]byte, size), index: index, changed: changed}
					index++
					return out, nil
				})
				if err != nil || len(v.([]byte)) != size || r.index != 6 {
					t.Errorf("%v at %d", err, r.index)
				}
			})
		}
		synctest.Wait()
		if n := a.waiting.Load(); n != reads {
			t.Errorf("%d wait", n)
		}
		if used := int64(heapBytes()) - int64(before); used > reads*each {
			t.Errorf("%d reads that wait hold %d KB each", reads, used/reads>>10)
		}
		close(changed)
		waiting.Wait()
		if n := a.waiting.Load(); n != 0 {
			t.Errorf("%d wait still", n)
		}
	})
}

func TestAWaitThatEndsGivesWhatIsTrueThen(t *testing.T) {
	a := idleAPI(t)
	synctest.Test(t, func(t *testing.T) {
		r := a.request(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "GET", "/v1/jobs?index=5&wait=10s", nil))
		looks := 0
		v, err := r.read(func(*state.Snapshot) (answer, error) {
			looks++
			return answer{value: looks, index: 5, changed: make(chan struct{})}, nil
		})
		if err != nil || v != 2 || r.index != 5 {
			t.Errorf("%v %v at %d", v, err, r.index)
		}
	})
}

func TestTooManyReadsThatWaitAreRefused(t *testing.T) {
	a := idleAPI(t)
	a.waiting.Store(maxWaiting)
	look := func(*state.Snapshot) (answer, error) {
		return answer{value: 1, index: 5, changed: make(chan struct{})}, nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ask := func(path string) error {
		_, err := a.request(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", path, nil)).read(look)
		return err
	}
	if err := ask("/v1/jobs?index=5"); structs.KindOf(err) != structs.KindLimit || !strings.Contains(err.Error(), "16384 reads wait") {
		t.Error(err)
	}
	if err := ask("/v1/jobs"); err != nil {
		t.Errorf("one that does not wait: %v", err)
	}
	a.waiting.Add(-1)
	if err := ask("/v1/jobs?index=5"); !errors.Is(err, context.Canceled) || a.waiting.Load() != maxWaiting-1 {
		t.Errorf("one less: %v, %d wait", err, a.waiting.Load())
	}
}
