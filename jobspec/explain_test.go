package jobspec

import (
	"strings"
	"testing"
)

func TestExplain(t *testing.T) {
	for path, want := range map[string]string{
		"job.group.network":       "job.group.network  (block",
		"network":                 "job.group.network  (block",
		"job":                     "job  (block",
		"":                        "job  (block",
		"job.group.task.driver":   "job.group.task.driver  (string, required",
		"kill_timeout":            "job.group.task.kill_timeout  (duration",
		"template.change_mode":    "job.group.task.template.change_mode",
		"variable":                "variable  (block",
		"job group task":          "job.group.task  (block",
		"resources.memory":        "job.group.task.resources.memory  (number of MB",
		"job.update":              "job.update  (block",
		"job.group.task.restart":  "job.group.task.restart  (block",
		"vault":                   "job.group.task.vault",
		"job.group.service.check": "job.group.service.check  (block",
	} {
		have, err := Explain(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		} else if !strings.HasPrefix(have, want) {
			t.Errorf("%s: %q does not begin with %q", path, strings.SplitN(have, "\n", 2)[0], want)
		}
	}
	for path, want := range map[string]string{
		"netwrok":           `the job language has no word "netwrok"; did you mean "network"?`,
		"job.group.netwok":  `job.group has no "netwok"; did you mean "network"?`,
		"job.group.count.x": `job.group has no "count"`,
	} {
		if _, err := Explain(path); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, path := range Words() {
		if text, err := Explain(path); err != nil || strings.TrimSpace(text) == "" {
			t.Errorf("%s: %v", path, err)
		}
	}
}
