package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"berth/api"
	"berth/structs"
)

func policyNames(r *structs.ACLRole) string {
	var names []string
	for _, p := range r.Policies {
		names = append(names, p.Name)
	}
	return strings.Join(names, ",")
}

func (e *env) showRole(r *structs.ACLRole) {
	e.pairs([][2]string{{"ID", r.ID.String()}, {"Name", r.Name}, {"Description", dash(r.Description)}, {"Policies", dash(policyNames(r))},
		{"Create Index", indexText(r.CreateIndex)}, {"Modify Index", indexText(r.ModifyIndex)}})
}

// role finds a role by its id, or by its name.
func role(ctx context.Context, client *api.Client, text string) (*structs.ACLRole, error) {
	if _, err := structs.ParseID(text); err != nil {
		return client.ACL().RoleByName(ctx, text)
	}
	return client.ACL().Role(ctx, text)
}

// roleFlags are what create and update have in common.
type roleFlags struct {
	name, description string
	policies          []string
	s                 shown
}

func (r *roleFlags) add(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&r.name, "name", "", "its name")
	f.StringVar(&r.description, "description", "", "what it is for")
	f.StringSliceVar(&r.policies, "policy", nil, "policies, with commas between them; may be given several times")
}

func (r *roleFlags) links() []*structs.ACLRolePolicy {
	var out []*structs.ACLRolePolicy
	for _, name := range namesOf(r.policies) {
		out = append(out, &structs.ACLRolePolicy{Name: name})
	}
	return out
}

func (e *env) roleCreate() *cobra.Command {
	var r roleFlags
	c := &cobra.Command{Use: "create", Short: "make a role", Args: cobra.NoArgs}
	r.add(c)
	return lister(e.withClient(c, func(cmd *cobra.Command, client *api.Client, _ []string) error {
		if r.name == "" {
			return errors.New("a role has a name: give -name")
		}
		made, err := client.ACL().CreateRole(cmd.Context(), &structs.ACLRole{Name: r.name, Description: r.description, Policies: r.links()})
		if err != nil {
			return err
		}
		if done, err := e.print(r.s, made); done {
			return err
		}
		e.showRole(made)
		return nil
	}), &r.s, nil)
}

func (e *env) roleUpdate() *cobra.Command {
	var r roleFlags
	var noMerge bool
	c := &cobra.Command{Use: "update ROLE", Short: "change a role: its tokens follow at once", Args: cobra.ExactArgs(1),
		Long: "Changes what is given of the role with the id or name; policies that are given are added. With -no-merge the role becomes what is given, and nothing else."}
	r.add(c)
	c.Flags().BoolVar(&noMerge, "no-merge", false, "replace the role instead of changing it")
	return lister(e.withClient(c, func(cmd *cobra.Command, client *api.Client, args []string) error {
		have, err := role(cmd.Context(), client, args[0])
		if err != nil {
			return err
		}
		changed := cmd.Flags().Changed
		if noMerge {
			have = &structs.ACLRole{ID: have.ID}
		}
		if noMerge || changed("name") {
			have.Name = r.name
		}
		if noMerge || changed("description") {
			have.Description = r.description
		}
		for _, p := range r.links() {
			if !strings.Contains(","+policyNames(have)+",", ","+p.Name+",") {
				have.Policies = append(have.Policies, p)
			}
		}
		got, err := client.ACL().UpdateRole(cmd.Context(), have)
		if err != nil {
			return err
		}
		if done, err := e.print(r.s, got); done {
			return err
		}
		e.showRole(got)
		return nil
	}), &r.s, nil)
}

func (e *env) roleDelete() *cobra.Command {
	return e.withClient(&cobra.Command{Use: "delete ROLE", Short: "forget a role, by its id or name: its tokens lose what it granted", Args: cobra.ExactArgs(1)},
		func(cmd *cobra.Command, client *api.Client, args []string) error {
			r, err := role(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			if err := client.ACL().DeleteRole(cmd.Context(), r.ID.String()); err != nil {
				return err
			}
			e.say("ACL role %s successfully deleted", args[0])
			return nil
		})
}

func (e *env) roleInfo() *cobra.Command {
	var s shown
	var byName bool
	c := &cobra.Command{Use: "info ROLE", Short: "show a role, by its id or name", Args: cobra.ExactArgs(1)}
	c.Flags().BoolVar(&byName, "by-name", false, "what is given is a name, even if it reads like an id")
	return lister(e.withClient(c, func(cmd *cobra.Command, client *api.Client, args []string) error {
		find := role
		if byName {
			find = func(ctx context.Context, client *api.Client, name string) (*structs.ACLRole, error) {
				return client.ACL().RoleByName(ctx, name)
			}
		}
		r, err := find(cmd.Context(), client, args[0])
		if err != nil {
			return err
		}
		if done, err := e.print(s, r); done {
			return err
		}
		e.showRole(r)
		return nil
	}), &s, nil)
}

func (e *env) roleList() *cobra.Command {
	var s shown
	return lister(e.withClient(&cobra.Command{Use: "list", Short: "list the roles you may see", Args: cobra.NoArgs},
		func(cmd *cobra.Command, client *api.Client, _ []string) error {
			all, _, err := client.ACL().Roles(cmd.Context(), nil)
			if err != nil {
				return err
			}
			if done, err := e.print(s, all); done {
				return err
			}
			if len(all) == 0 {
				e.say("No ACL roles found")
				return nil
			}
			rows := [][]string{{"ID", "Name", "Description", "Policies"}}
			for _, r := range all {
				rows = append(rows, []string{r.ID.String(), r.Name, dash(r.Description), dash(policyNames(r))})
			}
			e.table(rows)
			return nil
		}), &s, nil)
}
