package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"berth/api"
)

func (e *env) backupCommand() *cobra.Command {
	return e.group("backup", "snapshots the leader saves by a schedule", e.backupStatus())
}

func (e *env) backupStatus() *cobra.Command {
	var s shown
	c := &cobra.Command{
		Use: "status", Short: "show how the scheduled snapshots go", Args: cobra.NoArgs,
		Long: "Shows where the leader saves snapshots, which are there, when the next one is due, and why the last attempt failed. The exit code is 1\n" +
			"while an attempt has failed and none has succeeded since. The schedule is set by server { backup { ... } }.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			st, err := client.Operator().Backup(cmd.Context())
			if err != nil {
				return err
			}
			if done, err := e.print(s, st); done {
				return err
			}
			e.showBackup(st)
			if st.Failures > 0 {
				return fmt.Errorf("no snapshot was saved in the last %d attempts: %s", st.Failures, st.LastError)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&s.json, "json", false, "print JSON")
	c.Flags().StringVarP(&s.template, "template", "t", "", "Go template")
	return c
}

const secondForm = "2006-01-02 15:04:05 UTC"

func (e *env) showBackup(st *api.BackupStatus) {
	next := "now"
	if !st.NextAt.IsZero() {
		next = st.NextAt.UTC().Format(secondForm)
	}
	every := strings.TrimSuffix(st.Every, "0s")
	if strings.HasSuffix(every, "h0m") {
		every = strings.TrimSuffix(every, "0m")
	}
	var keep []string
	for _, k := range []struct {
		n    int
		what string
	}{{st.Keep.Last, "last"}, {st.Keep.Hourly, "hourly"}, {st.Keep.Daily, "daily"}, {st.Keep.Weekly, "weekly"}, {st.Keep.Monthly, "monthly"}} {
		if k.n > 0 {
			keep = append(keep, fmt.Sprintf("%d %s", k.n, k.what))
		}
	}
	e.pairs([][2]string{{"Target", st.Target}, {"Every", every}, {"Keep", strings.Join(keep, ", ")}, {"Encrypted", fmt.Sprint(st.Encrypted)}, {"Next", next}})
	rows := [][]string{{"Snapshot", "Taken", "Size"}}
	for i := len(st.Stored) - 1; i >= 0; i-- {
		f := st.Stored[i]
		rows = append(rows, []string{f.Name, f.TakenAt.UTC().Format(secondForm), fmt.Sprint(f.Size)})
	}
	e.say("")
	if len(st.Stored) == 0 {
		e.say("None is there")
		return
	}
	e.table(rows)
}
