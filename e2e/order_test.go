package e2e

import (
	"slices"
	"strings"
	"testing"

	"berth/e2e/harness"
)

// patient is a task that ends as soon as it is asked to.
const patient = "trap 'exit 0' TERM; while true; do sleep 0.1; done"

// untilTold waits for tell.
const untilTold = "until [ -e $NOMAD_ALLOC_DIR/go ]; do sleep 0.1; done"

func (r *rig) tell(alloc string) {
	r.Helper()
	r.ok("alloc", "exec", alloc, "/bin/sh", "-c", "touch $NOMAD_ALLOC_DIR/go")
}

// quickly lets a failed task fail at once, and its allocation be tried again as soon as may be.
const quickly = `    restart {
      attempts = 0
      mode     = "fail"
    }
    reschedule {
      delay          = "5s"
      delay_function = "constant"
      unlimited      = true
    }
`

// byIndex counts a job's allocations of each index in a client status.
func byIndex(all []harness.Alloc, status string) map[string]int {
	n := map[string]int{}
	for _, a := range all {
		if a.ClientStatus == status {
			n[a.Name[strings.LastIndex(a.Name, "["):]]++
		}
	}
	return n
}

// TestExitCodesDecideWhetherAnIndexIsTriedAgain: what counts is tried again as often as the budget says, what does not count as often as
// it takes, and what is hopeless not at all; one end gives its whole job up.
func TestExitCodesDecideWhetherAnIndexIsTriedAgain(t *testing.T) {
	r := devAgent(t)
	const on = "      on_exit {\n        codes  = [\"%\"]\n        action = \"@\"\n      }\n"
	rule := func(code, action string) string { return strings.NewReplacer("%", code, "@", action).Replace(on) }
	completion := func(retries string, rules ...string) string {
		return quickly + "    completion {\n      retries = " + retries + "\n" + strings.Join(rules, "") + "    }\n"
	}
	r.submit("mixed", spec{kind: "batch", count: 3, command: `case $NOMAD_ALLOC_INDEX in 0) exit 0;; 1) exit 7;; *) exit 40;; esac`,
		group: completion("1", rule("40-49", "fail_index"))}.text("mixed"))
	r.submit("ignored", spec{kind: "batch", command: "exit 75", group: completion("0", rule("75", "ignore"))}.text("ignored"))
	r.submit("given-up", spec{kind: "batch", count: 2, command: "if [ $NOMAD_ALLOC_INDEX = 0 ]; then " + untilTold + "; exit 64; fi; " + patient,
		group: completion("5", rule("64", "fail_job"))}.text("given-up"))

	for _, a := range r.running("given-up", 2) {
		if strings.HasSuffix(a.Name, "[0]") {
			r.tell(a.ID)
		}
	}
	r.allocs("given-up", func(all []harness.Alloc) bool {
		return byIndex(all, "failed")["[0]"] == 1 && byIndex(all, "complete")["[1]"] == 1
	})
	r.allocs("ignored", func(all []harness.Alloc) bool { return byIndex(all, "failed")["[0]"] >= 2 }) // its budget is 0
	r.ok("job", "stop", "-detach", "ignored")
	all := r.allocs("mixed", func(all []harness.Alloc) bool {
		failed := byIndex(all, "failed")
		return failed["[1]"] == 2 && failed["[2]"] == 1 && byIndex(all, "complete")["[0]"] == 1
	})
	if len(all) != 4 {
		t.Errorf("job mixed has %d allocations, not one that ended well, two of an index with one retry, and one without", len(all))
	}
	for _, job := range []string{"mixed", "given-up"} {
		r.over(job)
		for index, n := range byIndex(r.allocs(job, func([]harness.Alloc) bool { return true }), "failed") {
			if want := map[string]int{"mixed[1]": 2, "mixed[2]": 1, "given-up[0]": 1}[job+index]; n != want {
				t.Errorf("index %s of job %s failed %d times, want %d", index, job, n, want)
			}
		}
	}
}

// over waits for a job to be dead.
func (r *rig) over(job string) {
	r.Helper()
	if _, err := harness.Await(r.ctx, r.agent.API, "/v1/job/"+job, func(j struct{ Status string }) bool { return j.Status == "dead" }); err != nil {
		r.Fatal(err)
	}
}

// TestAJobRunsWhenTheOneBeforeItHasFinished: nothing of a job starts while the job it depends on runs, and somebody who asks is told so;
// then it starts by itself. Set aside it ends, and taken up again it runs under the same names.
func TestAJobRunsWhenTheOneBeforeItHasFinished(t *testing.T) {
	r := devAgent(t)
	r.submit("load", spec{kind: "batch", command: untilTold}.text("load"))
	app := spec{count: 2, command: patient, job: "  depends_on {\n    job       = \"load\"\n    condition = \"complete\"\n  }\n"}.text("app")
	load := r.running("load", 1)[0]
	if plan := r.run("job", "plan", r.jobFile("app", app)); plan.Code != 1 || !strings.Contains(plan.Stdout, `it waits for job "load" to be complete (0 of 1 ended well)`) {
		t.Errorf("the plan ends with %d and says\n%s", plan.Code, plan.Stdout)
	}
	r.submit("app", app)
	if _, err := harness.Await(r.ctx, r.agent.API, "/v1/job/app/evaluations", func(all []struct{ Status string }) bool {
		return slices.ContainsFunc(all, func(e struct{ Status string }) bool { return e.Status == "blocked" })
	}); err != nil {
		t.Fatal(err)
	}
	if early := r.allocs("app", func([]harness.Alloc) bool { return true }); len(early) != 0 {
		t.Errorf("job app has %d allocations before load is complete", len(early))
	}
	if why := r.ok("why", "app"); strings.Count(why, "0 of 1 ended well") != 1 {
		t.Errorf("why app:\n%s", why)
	}
	r.tell(load.ID)
	r.one("load", "complete")
	first := r.running("app", 2)

	if said := r.ok("job", "suspend", "app"); !strings.Contains(said, "berth job resume app") {
		t.Errorf("job suspend does not say how it goes on:\n%s", said)
	}
	for _, a := range first {
		r.ended("app", a.ID)
	}
	if status := r.ok("job", "status", "app"); !strings.Contains(status, "pending (suspended)") {
		t.Errorf("the job is not called suspended:\n%s", status)
	}
	r.ok("job", "resume", "-detach", "app")
	names := map[string]bool{}
	for _, a := range r.running("app", 2) {
		names[a.Name] = true
	}
	for _, a := range first {
		if !names[a.Name] {
			t.Errorf("%s does not run again; %v do", a.Name, names)
		}
	}
}
