package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"berth/agent/offline"
	"berth/api"
)

func (e *env) whatifCommand() *cobra.Command {
	var s shown
	var src source
	var snapshot, identity string
	var lose, add []string
	c := &cobra.Command{
		Use: "whatif -snapshot FILE [JOBFILE...]", Short: "what would follow if nodes failed or joined, or jobs were run, answered without the cluster",
		Long: "Reads a snapshot of the state, as `berth operator snapshot save` writes it, and decides on it as the servers would:\n" +
			"first the nodes of -lose are down for good, then those of -add join, then the job files are run in their order.\n" +
			"Ends with 2 when something has no node.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if snapshot == "" {
				return errors.New("-snapshot is missing: name a file, such as `berth operator snapshot save` writes")
			}
			q := api.WhatIfQuestion{Lose: lose}
			for _, text := range add {
				a, err := addOf(text)
				if err != nil {
					return err
				}
				q.Add = append(q.Add, a)
			}
			for _, path := range args {
				res, err := e.read(cmd.Context(), path, src)
				if err != nil {
					return err
				}
				q.Jobs = append(q.Jobs, res.Job)
			}
			got, err := offline.WhatIf(snapshot, identity, q, time.Now())
			if err != nil {
				return err
			}
			if done, err := e.print(s, got); done {
				return err
			}
			return e.showWhatIf(got)
		},
	}
	f := c.Flags()
	f.StringVar(&snapshot, "snapshot", "", "file with the snapshot")
	f.StringVar(&identity, "identity", "", "file with the age key of a snapshot that is encrypted")
	f.StringArrayVar(&lose, "lose", nil, "a node by name or id, a datacenter, or attribute=value such as meta.rack=r1; may be repeated")
	f.StringArrayVar(&add, "add", nil, "nodes that join, NxCLASS: like one of that class; may be repeated")
	f.BoolVar(&s.json, "json-output", false, "print JSON")
	f.StringVarP(&s.template, "template", "t", "", "Go template")
	src.flags(c)
	return c
}

// addOf reads "3xbig".
func addOf(text string) (api.WhatIfAdd, error) {
	count, class, ok := strings.Cut(strings.Replace(text, "×", "x", 1), "x")
	n, err := strconv.Atoi(count)
	if !ok || err != nil || n < 1 || n > 100_000 {
		return api.WhatIfAdd{}, fmt.Errorf("-add %s: say how many of which class, such as 3xbig", text)
	}
	return api.WhatIfAdd{Count: n, Class: class}, nil
}

func (e *env) showWhatIf(w *api.WhatIf) error {
	if len(w.Lost) > 0 {
		e.say("Lost: %s", strings.Join(w.Lost, ", "))
	}
	if w.Added > 0 {
		e.say("Added: %d nodes", w.Added)
	}
	if len(w.Jobs) == 0 {
		e.say("Nothing would change for any job.")
		return nil
	}
	rows := [][]string{{"Job", "Allocations lost", "Placed", "Without node", "Preempted"}}
	missing := 0
	for _, j := range w.Jobs {
		unplaced := 0
		for _, n := range j.Unplaced {
			unplaced += n
		}
		missing += unplaced
		rows = append(rows, []string{j.ID, fmt.Sprint(j.Lost), fmt.Sprint(len(j.Placements)), fmt.Sprint(unplaced), fmt.Sprint(len(j.Preempted))})
	}
	e.table(rows)
	for _, j := range w.Jobs {
		for _, name := range sortedKeys(j.Unplaced) {
			e.head(fmt.Sprintf("%s, group %q", j.ID, name))
			if why := j.Explanations[name]; why != nil {
				e.explanation(why)
			}
		}
	}
	if missing > 0 {
		return exitError{2}
	}
	return nil
}
