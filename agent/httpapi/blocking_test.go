package httpapi

import (
	"net/http"
	"strconv"
	"testing"

	"berth/structs"
)

// index is what an answer's header says.
func (r *rig) index(got reply) uint64 {
	r.Helper()
	n, err := strconv.ParseUint(got.header.Get("X-Nomad-Index"), 10, 64)
	if err != nil {
		r.Fatal(err)
	}
	return n
}

// TestReadsWaitForWhatTheyWatch blocks reads at the index they answered with, changes something, and wants them woken with a
// higher index, those alone that watch it.
func TestReadsWaitForWhatTheyWatch(t *testing.T) {
	r := newRig(t)
	r.register(job("web", 1))
	r.register(job("other", 1))
	for _, c := range []struct {
		name, path, still string // still is another read, that must not wake
		change            func()
	}{
		{"a job's summary in the list of jobs", "/v1/jobs", "/v1/job/other", func() { r.runAll() }},
		{"a new version", "/v1/job/web", "/v1/job/other", func() { r.register(job("web", 2)) }},
		{"versions", "/v1/job/web/versions", "/v1/job/other/versions", func() { r.register(job("web", 3)) }},
		{"allocations of a job", "/v1/job/web/allocations", "/v1/job/other/allocations", func() { r.register(job("web", 4)) }},
		{"what a job's scale is", "/v1/job/web/scale", "/v1/job/other/scale", func() { r.register(job("web", 5)) }},
		{"statuses", "/v1/jobs/statuses", "/v1/namespaces", func() { r.runAll() }},
		{"a node", "/v1/node/" + r.node.ID.String(), "/v1/node/pools", func() {
			r.do("PUT", "/v1/node/"+r.node.ID.String()+"/eligibility", map[string]any{"Eligibility": "ineligible"})
		}},
		{"nodes", "/v1/nodes", "/v1/node/pools", func() {
			r.do("PUT", "/v1/node/"+r.node.ID.String()+"/eligibility", map[string]any{"Eligibility": "eligible"})
		}},
		{"node pools", "/v1/node/pools", "/v1/namespaces", func() { r.do("PUT", "/v1/node/pools", map[string]any{"Name": "gpu"}) }},
		{"namespaces", "/v1/namespaces", "/v1/nodes", func() { r.do("PUT", "/v1/namespace", map[string]any{"Name": "apps"}) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := r.index(r.do("GET", c.path, nil))
			other := r.index(r.do("GET", c.still, nil))
			woken, slept := make(chan reply, 1), make(chan reply, 1)
			go func() { woken <- r.do("GET", c.path+"?wait=60s&index="+strconv.FormatUint(before, 10), nil) }()
			go func() { slept <- r.do("GET", c.still+"?wait=200ms&index="+strconv.FormatUint(other, 10), nil) }()
			c.change()
			if after := r.index(<-woken); after <= before {
				t.Errorf("woken at %d, not above %d", after, before)
			}
			if got := <-slept; got.status != http.StatusOK || r.index(got) != other {
				t.Errorf("%s woke too: %d at %d, not %d", c.still, got.status, r.index(got), other)
			}
		})
	}
}

func TestAnswersOfReadsThatMayWait(t *testing.T) {
	r := newRig(t)
	r.register(job("web", 1))
	at := strconv.FormatUint(r.index(r.do("GET", "/v1/job/web", nil)), 10)
	for query, status := range map[string]int{
		"index=0&wait=60s":              200, // at once
		"index=1&wait=60s":              200, // older than what is there
		"index=" + at + "&wait=1ms":     200, // nothing changes
		"index=1000000&wait=1ms":        200, // in the future
		"index=-1":                      400,
		"index=x":                       400,
		"index=" + at + "&wait=soon":    400,
		"index=" + at + "&wait=-1s":     400,
		"index=99999999999999999999999": 400,
	} {
		got := r.do("GET", "/v1/job/web?"+query, nil)
		if got.status != status {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
		if status == 200 && (got.header.Get("X-Nomad-Index") != at || got.header.Get("X-Nomad-KnownLeader") != "true" || got.header.Get("X-Nomad-LastContact") != "0") {
			t.Errorf("%s: headers %v", query, got.header)
		}
	}
	if got := r.do("GET", "/v1/job/none?index=5&wait=1ms", nil); got.status != 404 {
		t.Errorf("what is not there: %d", got.status)
	}
}

// TestListsInPages walks a list forwards and backwards, with a filter and a prefix.
func TestListsInPages(t *testing.T) {
	r := newRig(t)
	for _, id := range []string{"a1", "a2", "a3", "b1", "b2"} {
		r.register(job(id, 1))
	}
	for query, want := range map[string]string{
		"":                                  "a1 a2 a3 b1 b2",
		"reverse=true":                      "b2 b1 a3 a2 a1",
		"prefix=a":                          "a1 a2 a3",
		"filter=" + `ID+matches+"1$"`:       "a1 b1",
		"prefix=a&filter=" + `ID+!%3D+"a2"`: "a1 a3",
		"prefix=zz":                         "",
	} {
		walked, token := "", ""
		for pages := 0; ; pages++ {
			var jobs []structs.JobListStub
			got := r.get("/v1/jobs?per_page=2&next_token="+token+"&"+query, &jobs)
			if len(jobs) > 2 || pages > 5 {
				t.Fatalf("%s: page %d has %d", query, pages, len(jobs))
			}
			for _, j := range jobs {
				if walked != "" {
					walked += " "
				}
				walked += j.ID
			}
			if token = got.header.Get("X-Nomad-NextToken"); token == "" {
				break
			}
		}
		if walked != want {
			t.Errorf("%q: %q, not %q", query, walked, want)
		}
	}
	for _, query := range []string{"filter=ID+==", "per_page=many", "filter=" + `Nothing+==+"x"`} {
		if got := r.do("GET", "/v1/jobs?"+query, nil); got.status != 400 {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
}
