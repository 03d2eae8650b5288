package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"berth/jobspec"
)

func (e *env) explainCommand() *cobra.Command {
	return &cobra.Command{
		Use: "explain [PATH]", Short: "say what a block or attribute of job files is for",
		Long: "Says what a block or attribute of job files is for, what it may be and what it is by default.\n\n" +
			"  berth explain                        the top of a job\n" +
			"  berth explain job.group.network      a block\n" +
			"  berth explain kill_timeout           a word, wherever it belongs",
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return jobspec.Words(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			text, err := jobspec.Explain(strings.Join(args, "."))
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(e.out, text)
			return err
		},
	}
}
