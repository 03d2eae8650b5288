package cli

import (
	"os"

	"github.com/spf13/cobra"

	"berth/jobspec"
)

func (e *env) jobFmt() *cobra.Command {
	var check, list bool
	c := &cobra.Command{Use: "fmt FILE...", Short: "give job files their canonical layout", Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			changed := false
			for _, path := range args {
				text, name, err := e.readText(path)
				if err != nil {
					return err
				}
				out, diags := jobspec.FormatFile(name, text)
				if diags.HasErrors() {
					return e.diagnostics(diags)
				}
				if path == "-" {
					if _, err := e.out.Write(out); err != nil {
						return err
					}
					continue
				}
				if string(out) == string(text) {
					continue
				}
				changed = true
				if list || check {
					e.say("%s", path)
				}
				if !check {
					st, err := os.Stat(path)
					if err != nil {
						return err
					}
					if err := os.WriteFile(path, out, st.Mode().Perm()); err != nil {
						return err
					}
				}
			}
			if check && changed {
				return exitError{1}
			}
			return nil
		}}
	c.Flags().BoolVar(&check, "check", false, "change nothing; exit code 1 when a file would change")
	c.Flags().BoolVar(&list, "list", true, "name the files that change")
	return c
}
