package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"berth/api"
	"berth/jobspec"
	"berth/structs"
)

func (e *env) namespaceCommand() *cobra.Command {
	return e.group("namespace", "separate jobs by names and by what they may use", e.namespaceList(), e.namespaceStatus(), e.namespaceInspect(),
		e.namespaceApply(), e.namespaceDelete())
}

func (e *env) namespaceList() *cobra.Command {
	var s shown
	return lister(&cobra.Command{Use: "list", Short: "list the namespaces", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		all, _, err := client.Namespaces().List(cmd.Context(), nil)
		if err != nil {
			return err
		}
		if done, err := e.print(s, all); done {
			return err
		}
		describedTable(e, all, func(n *structs.Namespace) (string, string) { return n.Name, n.Description })
		return nil
	}}, &s, nil)
}

// findNamespace takes a whole name, or the beginning of one that no other has.
func (e *env) findNamespace(cmd *cobra.Command, c *api.Client, name string) (*structs.Namespace, error) {
	all, _, err := c.Namespaces().List(cmd.Context(), &api.QueryOptions{Prefix: name})
	if err != nil {
		return nil, err
	}
	return named(all, func(n *structs.Namespace) string { return n.Name }, name, "namespace", "namespaces")
}

func (e *env) namespaceStatus() *cobra.Command {
	var s shown
	return lister(&cobra.Command{Use: "status NAME", Short: "what a namespace allows", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		n, err := e.findNamespace(cmd, client, args[0])
		if err != nil {
			return err
		}
		if done, err := e.print(s, n); done {
			return err
		}
		caps := n.Capabilities
		if caps == nil {
			caps = &structs.NamespaceCapabilities{}
		}
		list := func(names []string, none string) string {
			if len(names) == 0 {
				return none
			}
			return strings.Join(names, ",")
		}
		e.pairs([][2]string{{"Name", n.Name}, {"Description", dash(n.Description)}, {"EnabledDrivers", list(caps.EnabledTaskDrivers, "*")},
			{"DisabledDrivers", list(caps.DisabledTaskDrivers, "<none>")}, {"EnabledNetworkModes", list(caps.EnabledNetworkModes, "*")},
			{"DisabledNetworkModes", list(caps.DisabledNetworkModes, "<none>")}})
		if len(n.Meta) > 0 {
			e.head("Metadata")
			e.metadata(n.Meta)
		}
		return nil
	}}, &s, nil)
}

func (e *env) namespaceInspect() *cobra.Command {
	var template string
	c := &cobra.Command{Use: "inspect NAME", Short: "a namespace as the API has it", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		n, err := e.findNamespace(cmd, client, args[0])
		if err != nil {
			return err
		}
		_, err = e.print(shown{json: template == "", template: template}, n)
		return err
	}}
	c.Flags().StringVarP(&template, "template", "t", "", "Go template")
	return c
}

func (e *env) namespaceApply() *cobra.Command {
	var asJSON bool
	var description string
	c := &cobra.Command{Use: "apply NAME|FILE", Short: "make a namespace, or change it", Args: cobra.ExactArgs(1),
		Long: "Makes a namespace, or changes it. FILE describes it whole (- is standard input):\n\n" +
			"  name        = \"dev\"\n  description = \"for tests\"\n  capabilities {\n    enabled_task_drivers   = [\"containerd\"]\n    disabled_network_modes = [\"host\"]\n  }\n" +
			"  meta {\n    team = \"a\"\n  }\n\nWith a NAME only what the flags say changes.",
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			ns, err := e.namespaceOf(cmd, client, args[0], asJSON)
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("description") {
				ns.Description = description
			}
			if _, err := client.Namespaces().Apply(cmd.Context(), ns, nil); err != nil {
				return err
			}
			e.say("Successfully applied namespace %q!", ns.Name)
			return nil
		}}
	c.Flags().BoolVar(&asJSON, "json", false, "the file has the JSON of the API")
	c.Flags().StringVar(&description, "description", "", "what it is for")
	return c
}

// isFile tells a file from a name: names have neither dots nor slashes.
func isFile(arg string) bool { return arg == "-" || strings.ContainsAny(arg, "./") }

func (e *env) namespaceOf(cmd *cobra.Command, c *api.Client, arg string, asJSON bool) (*structs.Namespace, error) {
	if !isFile(arg) {
		all, _, err := c.Namespaces().List(cmd.Context(), &api.QueryOptions{Prefix: arg})
		if err != nil {
			return nil, err
		}
		for _, n := range all {
			if n.Name == arg {
				return n, nil
			}
		}
		return &structs.Namespace{Name: arg}, nil
	}
	return described(cmd.Context(), e, arg, asJSON, jobspec.Namespace)
}

func (e *env) namespaceDelete() *cobra.Command {
	return e.deleter(&cobra.Command{Short: "remove a namespace that holds nothing",
		Long: "Removes a namespace. It must have no job that is not dead and no allocation that has not ended. The default namespace stays."},
		"namespace", func(ctx context.Context, c *api.Client, name string) error {
			_, err := c.Namespaces().Delete(ctx, name, nil)
			return err
		})
}
