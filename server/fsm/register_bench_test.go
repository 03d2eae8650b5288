package fsm

import (
	"encoding/json"
	"fmt"
	"testing"

	"berth/structs"
)

// BenchmarkRegistrations applies what 64 writers register, sixteen to an entry, each followed by the end of its evaluation.
func BenchmarkRegistrations(b *testing.B) {
	const entry, total = 16, 32_000
	var data [][]byte
	w := newWorld()
	bytes := 0
	for from := 0; from < total; from += entry {
		var jobs, ends []structs.Command
		for n := from; n < from+entry; n++ {
			j := wireJob(b, fmt.Sprintf("job-%d-%d", n%64, n/64))
			e := eval(1, j.ID)
			e.ID = bigID(n)
			jobs = append(jobs, w.command(structs.CmdJobRegister, &structs.JobRegisterCommand{Job: j, Eval: e}))
			done := *e
			done.Status, done.QueuedAllocations = structs.EvalStatusComplete, map[string]int{"web": 0}
			ends = append(ends, w.command(structs.CmdPlanApply, &structs.PlanApplyCommand{Evals: []*structs.Evaluation{&done}}))
		}
		data = append(data, mustEntry(jobs...), mustEntry(ends...))
		bytes += len(data[len(data)-1]) + len(data[len(data)-2])
	}
	b.ReportMetric(float64(bytes)/total, "bytes/job")
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		w := newWorld()
		w.entry(w.check())
		b.StartTimer()
		for i, d := range data {
			for _, r := range applyTo(w.fsm, i+2, d) {
				if r.Err != nil {
					b.Fatal(r.Err)
				}
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/total, "ns/job")
}

// wireJob is a small service as the API hands it on.
func wireJob(tb testing.TB, id string) *structs.Job {
	j := &structs.Job{}
	text := `{"ID":"` + id + `","Name":"` + id + `","Type":"service","Datacenters":["dc1"],"TaskGroups":[{"Name":"web","Count":0,"Tasks":[` +
		`{"Name":"server","Driver":"containerd","Config":{"image":"berth.local/web:1"},"Env":{"PORT":"8080"},"Resources":{"CPU":100,"MemoryMB":64}}]}]}`
	if err := json.Unmarshal([]byte(text), j); err != nil {
		tb.Fatal(err)
	}
	j.Canonicalize()
	return j
}
