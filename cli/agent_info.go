package cli

import (
	"maps"
	"slices"

	"github.com/spf13/cobra"
)

func (e *env) agentInfo() *cobra.Command {
	var s shown
	c := &cobra.Command{Use: "agent-info", Short: "how the agent that is asked is", Args: cobra.NoArgs,
		Long: "Shows what the agent that is asked tells of itself: what roles it has, how far its log is, and what runs in it. Figures over time\n" +
			"are shown by `berth operator metrics`.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			self, err := client.Agent().Self(cmd.Context())
			if err != nil {
				return err
			}
			if done, err := e.print(s, self); done {
				return err
			}
			for _, part := range slices.Sorted(maps.Keys(self.Stats)) {
				e.say("%s", part)
				values := self.Stats[part]
				for _, name := range slices.Sorted(maps.Keys(values)) {
					e.say("  %s = %s", name, values[name])
				}
			}
			return nil
		}}
	f := c.Flags()
	f.BoolVar(&s.json, "json", false, "print JSON")
	f.StringVarP(&s.template, "template", "t", "", "Go template")
	return c
}
