package cli

import (
	"strings"
	"testing"

	"berth/api"
	"berth/structs"
)

func TestWhatIfSaysWhatIsWrongWithTheQuestion(t *testing.T) {
	f := newFake(t, nil)
	for want, args := range map[string][]string{
		"-snapshot is missing": {"whatif"},
		"such as 3xbig":        {"whatif", "-snapshot", "none", "-add", "big"},
		"there is no file":     {"whatif", "-snapshot", "none", "-lose", "a"},
		"web.hcl:1":            {"whatif", "-snapshot", "none", jobFile(t, "job {")},
	} {
		if got := f.berth(t, args...); got.code != 1 || !strings.Contains(got.err, want) {
			t.Errorf("%v: %+v", args, got)
		}
	}
	if len(f.requests()) > 0 {
		t.Errorf("it asked the cluster: %v", f.requests())
	}
}

func TestNodesToAdd(t *testing.T) {
	for text, want := range map[string]api.WhatIfAdd{"3xbig": {Count: 3, Class: "big"}, "1×xl": {Count: 1, Class: "xl"}, "2x": {Count: 2}} {
		if got, err := addOf(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", "big", "0xbig", "-1xbig", "9999999xbig"} {
		if got, err := addOf(text); err == nil {
			t.Errorf("%q is %+v", text, got)
		}
	}
}

func TestWhatIfIsShown(t *testing.T) {
	var out strings.Builder
	e := &env{out: &out}
	err := e.showWhatIf(&api.WhatIf{Lost: []string{"a", "b"}, Added: 2, Jobs: []*api.WhatIfJob{
		{ID: "db", Lost: 1, Placements: []*api.PlannedPlacement{{}}},
		{ID: "web", Lost: 3, Unplaced: map[string]int{"api": 3}, Explanations: map[string]*structs.Explanation{"api": {Summary: "web/api needs 3 more: none of 1 node fits"}}},
	}})
	if err != (exitError{2}) {
		t.Errorf("error %v", err)
	}
	golden(t, "whatif", out.String())
	out.Reset()
	if err := e.showWhatIf(&api.WhatIf{}); err != nil || out.String() != "Nothing would change for any job.\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

func TestRebalanceShowsMoves(t *testing.T) {
	f := newFake(t, map[string]any{"GET /v1/operator/rebalance": api.Rebalance{Truncated: true, Moves: []*api.RebalanceMove{
		{AllocID: allocOne, Name: "web.web[0]", FromName: "one", ToName: "two", Before: 0.25, After: 0.75, Gain: 0.5}}}})
	got := f.berth(t, "operator", "rebalance", "-dry-run", "-max", "3")
	golden(t, "rebalance", got.out)
	if got.code != 0 || !strings.Contains(f.requests()[0], "max=3&min_gain=0.05") {
		t.Errorf("%+v, asked %v", got, f.requests())
	}
	f = newFake(t, map[string]any{"PUT /v1/operator/rebalance": api.Rebalance{Moving: 5, Moves: []*api.RebalanceMove{}}})
	got = f.berth(t, "operator", "rebalance", "-move")
	if got.code != 0 || got.out != "5 allocations are on the move already.\n" || !strings.Contains(f.requests()[0], "max=5") {
		t.Errorf("%+v, asked %v", got, f.requests())
	}
	if got := f.berth(t, "operator", "rebalance"); got.code != 1 || !strings.Contains(got.err, "dry-run") || len(f.requests()) != 1 {
		t.Errorf("%+v", got)
	}
}
