package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"berth/internal/hostile"
	"berth/structs"
)

// plain is what an answer is without being sent in pieces.
func plain(t *testing.T, v any) string {
	t.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimRight(buf.String(), "\n")
}

func TestALongListIsWhatAShortOneWouldBe(t *testing.T) {
	for _, n := range []int{0, 1, longList - 1, longList, 5000} {
		list := []*structs.AllocListStub{}
		for i := range n {
			list = append(list, &structs.AllocListStub{ID: structs.ID{1: byte(i), 2: byte(i >> 8)}, Name: "a<b>[" + strings.Repeat("x", i%90) + "]"})
			if i%7 == 3 {
				list[i] = nil
			}
		}
		w := httptest.NewRecorder()
		writeJSON(w, list, false)
		if got, want := w.Body.String(), plain(t, list); got != want {
			t.Fatalf("%d elements: the answer differs: %d bytes, want %d", n, len(got), len(want))
		}
		if got := w.Header().Get("Content-Type"); got != "application/json" {
			t.Errorf("%d elements are %q", n, got)
		}
	}
}

// stubborn cannot be encoded when it is told so.
type stubborn bool

func (s stubborn) MarshalJSON() ([]byte, error) {
	if s {
		return nil, errors.New("no")
	}
	return []byte(`"` + strings.Repeat("y", 1000) + `"`), nil
}

func TestHalfAListDoesNotLookLikeOne(t *testing.T) {
	answered := func(bad int) (int, string, error) {
		list := make([]stubborn, 200)
		list[bad] = true
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, list, false) }))
		defer s.Close()
		resp, err := s.Client().Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		return resp.StatusCode, string(text), err
	}
	if code, text, err := answered(3); code != http.StatusInternalServerError || !strings.Contains(text, "no") || err != nil {
		t.Errorf("before anything was sent: %d %q %v", code, text, err)
	}
	if _, _, err := answered(190); err == nil {
		t.Error("an answer that broke off came to a good end")
	}
}

func TestAnAllocationOfAListIsWrittenAsTheEncoderWould(t *testing.T) {
	same := func(s *structs.AllocListStub) {
		t.Helper()
		if _, err := json.Marshal(s); err != nil {
			return // a number JSON does not have: both refuse it
		}
		buf, enc := encoded()
		if err := writeAlloc(buf, enc, s); err != nil {
			t.Fatal(err)
		}
		if got, want := buf.String(), plain(t, s); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	}
	same(&structs.AllocListStub{})
	for seed := range uint64(500) {
		f := hostile.Filler{R: rand.New(rand.NewPCG(seed, 1))}
		var s structs.AllocListStub
		f.Fill(&s)
		same(&s)
	}
}

func BenchmarkListOfAllocations(b *testing.B) {
	list := make([]*structs.AllocListStub, 10_000)
	for i := range list {
		id := structs.ID{1: byte(i), 2: byte(i >> 8), 3: 1}
		list[i] = &structs.AllocListStub{ID: id, EvalID: id, Name: "large.web[17]", Namespace: "default", NodeID: id, NodeName: "node-17", JobID: "large",
			JobType: "service", TaskGroup: "web", DesiredStatus: "run", ClientStatus: "pending", CreateIndex: 17, ModifyIndex: 18, CreateTime: 1e18, ModifyTime: 1e18}
	}
	for b.Loop() {
		writeJSON(httptest.NewRecorder(), list, false)
	}
}
