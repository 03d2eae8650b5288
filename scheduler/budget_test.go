package scheduler_test

import (
	"strings"

	"berth/structs"
)

// budget sets one over several jobs: budget quorum job=db-* group=g meta.tier=data min=2 or max=25%.
func (s *script) budget(args []string) error {
	b := &structs.DisruptionBudget{Namespace: "default", Name: args[0]}
	for _, word := range args[1:] {
		key, value, _ := strings.Cut(word, "=")
		switch {
		case key == "ns":
			b.Namespace = value
		case key == "job":
			b.Job = value
		case key == "group":
			b.Group = value
		case key == "min":
			b.MinAvailable = value
		case key == "max":
			b.MaxUnavailable = value
		case strings.HasPrefix(key, "meta."):
			b.Meta = map[string]string{strings.TrimPrefix(key, "meta."): value}
		}
	}
	s.w.budgets = append(s.w.budgets, b)
	return b.Check()
}
