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

// An allocation of the state is written as its line, in a short list, a long one, and to a filter.
func TestAnAllocationIsWrittenAsItsLine(t *testing.T) {
	for seed, n := range []int{1, 1, 2, 3, longList} {
		f := hostile.Filler{R: rand.New(rand.NewPCG(uint64(seed), 2))}
		var made []*allocLine
		var stubs []*structs.AllocListStub
		for range n {
			al := new(structs.Allocation)
			f.Fill(al)
			al.TaskGroup += "a<b>"
			made, stubs = append(made, (*allocLine)(al)), append(stubs, al.Stub())
		}
		if _, err := json.Marshal(stubs); err != nil {
			continue // a number JSON does not have
		}
		w := httptest.NewRecorder()
		writeJSON(w, made, false)
		if got, want := w.Body.String(), plain(t, stubs); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
		got, err := json.Marshal(made[0])
		want, _ := json.Marshal(stubs[0])
		if err != nil || string(got) != string(want) {
			t.Fatalf("%v, got  %s\nwant %s", err, got, want)
		}
	}
}

// A list that is long and read often makes little garbage: its lines are never all there.
func TestALongListIsNotMadeBeforeItIsSent(t *testing.T) {
	list := make([]*allocLine, 1000)
	for i := range list {
		list[i] = (*allocLine)(&structs.Allocation{ID: structs.ID{1: byte(i), 2: byte(i >> 8)}, JobID: "large", TaskGroup: "web", Index: uint32(i)})
	}
	n := testing.AllocsPerRun(5, func() { writeJSON(discard{}, list, false) })
	if n > 2100 { // the text of each one's name, and of its number
		t.Errorf("%v allocations of memory for %d lines", n, len(list))
	}
}

// discard is somebody who reads an answer and keeps nothing.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

func BenchmarkListOfAllocations(b *testing.B) {
	list := make([]*allocLine, 10_000)
	for i := range list {
		id := structs.ID{1: byte(i), 2: byte(i >> 8), 3: 1}
		list[i] = &allocLine{ID: id, EvalID: id, Index: 17, Namespace: "default", NodeID: id, NodeName: "node-17", JobID: "large",
			TaskGroup: "web", DesiredStatus: "run", ClientStatus: "pending", CreateIndex: 17, ModifyIndex: 18, CreateTime: 1e18, ModifyTime: 1e18}
	}
	for b.Loop() {
		writeJSON(httptest.NewRecorder(), list, false)
	}
}
