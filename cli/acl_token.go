package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"berth/api"
	"berth/structs"
)

func indexText(n uint64) string { return strconv.FormatUint(n, 10) }

// showToken prints a token with its secret.
func (e *env) showToken(t *api.ACLToken) {
	expires, policies := "<none>", "n/a"
	if t.ExpirationTime != nil {
		expires = t.ExpirationTime.UTC().Format(time.RFC3339)
	}
	if t.Type != structs.TokenManagement {
		policies = fmt.Sprint(t.Policies)
	}
	e.pairs([][2]string{{"Accessor ID", t.AccessorID.String()}, {"Secret ID", t.SecretID.String()}, {"Name", dash(t.Name)}, {"Type", t.Type},
		{"Global", strconv.FormatBool(t.Global)}, {"Create Time", t.CreateTime.UTC().Format(time.RFC3339)}, {"Expiry Time", expires},
		{"Create Index", indexText(t.CreateIndex)}, {"Modify Index", indexText(t.ModifyIndex)}, {"Policies", policies}})
	if len(t.Roles) == 0 {
		return
	}
	e.head("Roles")
	rows := [][]string{{"ID", "Name"}}
	for _, r := range t.Roles {
		rows = append(rows, []string{r.ID.String(), r.Name})
	}
	e.table(rows)
}

// tokenFlags are what create and update have in common.
type tokenFlags struct {
	name, kind                   string
	global                       bool
	policies, roleIDs, roleNames []string
	s                            shown
}

func (t *tokenFlags) add(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&t.name, "name", "", "a name for people")
	f.StringVar(&t.kind, "type", structs.TokenClient, "client, or management for a token that may do everything")
	f.BoolVar(&t.global, "global", false, "good in all regions; there must be one only")
	f.StringSliceVar(&t.policies, "policy", nil, "policies, with commas between them; may be given several times")
	f.StringSliceVar(&t.roleIDs, "role-id", nil, "roles, by their ids; may be given several times")
	f.StringSliceVar(&t.roleNames, "role-name", nil, "roles, by their names; may be given several times")
}

// roles are the links that were given.
func (t *tokenFlags) roles() ([]*structs.ACLTokenRole, error) {
	var out []*structs.ACLTokenRole
	for _, text := range namesOf(t.roleIDs) {
		id, err := structs.ParseID(text)
		if err != nil {
			return nil, fmt.Errorf("-role-id %q is no id: `berth acl role list` shows them", text)
		}
		out = append(out, &structs.ACLTokenRole{ID: id})
	}
	for _, name := range namesOf(t.roleNames) {
		out = append(out, &structs.ACLTokenRole{Name: name})
	}
	return out, nil
}

// wholeAccessor is the accessor that begins so. Only who may list tokens can shorten one.
func wholeAccessor(ctx context.Context, client *api.Client, prefix string) (string, error) {
	if _, err := structs.ParseID(prefix); err == nil && prefix != "" {
		return prefix, nil
	}
	t, err := byPrefix("token", prefix, func(q *api.QueryOptions) ([]*api.ACLTokenListStub, error) {
		all, _, err := client.ACL().Tokens(ctx, q)
		return all, err
	}, func(t *api.ACLTokenListStub) string { return t.AccessorID.String() }, func(t *api.ACLTokenListStub) string { return t.Name })
	if err != nil {
		return "", err
	}
	return t.AccessorID.String(), nil
}

// findToken is the token whose accessor begins so.
func findToken(ctx context.Context, client *api.Client, prefix string) (*api.ACLToken, error) {
	accessor, err := wholeAccessor(ctx, client, prefix)
	if err != nil {
		return nil, err
	}
	return client.ACL().Token(ctx, accessor)
}

// warnOfPolicies says which policies of a token nobody made: they grant nothing until somebody does, or are misspelt.
func (e *env) warnOfPolicies(ctx context.Context, client *api.Client, t *api.ACLToken) error {
	if len(t.Policies) == 0 {
		return nil
	}
	all, _, err := client.ACL().Policies(ctx, nil)
	if err != nil {
		return err
	}
	for _, name := range t.Policies {
		if !slices.ContainsFunc(all, func(p *api.ACLPolicyListStub) bool { return p.Name == name }) {
			fmt.Fprintf(e.err, "warning: there is no policy %q; it grants nothing until there is\n", name)
		}
	}
	return nil
}

func (e *env) tokenCreate() *cobra.Command {
	var t tokenFlags
	var ttl time.Duration
	var accessor string
	c := &cobra.Command{Use: "create", Short: "make a token; the secret is for its owner", Args: cobra.NoArgs}
	t.add(c)
	c.Flags().DurationVar(&ttl, "ttl", 0, "how long it works, such as 8h; 0 is for ever")
	c.Flags().StringVar(&accessor, "accessor", "", "its accessor, a UUID; a new one without it")
	return lister(e.withClient(c, func(cmd *cobra.Command, client *api.Client, _ []string) error {
		roles, err := t.roles()
		if err != nil {
			return err
		}
		req := &api.ACLToken{Name: t.name, Type: t.kind, Global: t.global, Policies: namesOf(t.policies), Roles: roles, ExpirationTTL: api.TTL(ttl)}
		if req.AccessorID, err = structs.ParseID(accessor); err != nil {
			return fmt.Errorf("-accessor %q is no UUID", accessor)
		}
		made, err := client.ACL().CreateToken(cmd.Context(), req)
		if err != nil {
			return err
		}
		if done, err := e.print(t.s, made); done {
			return err
		}
		e.showToken(made)
		return e.warnOfPolicies(cmd.Context(), client, made)
	}), &t.s, nil)
}

func (e *env) tokenUpdate() *cobra.Command {
	var t tokenFlags
	c := &cobra.Command{Use: "update ACCESSOR", Short: "change the name, type, policies or roles of a token", Args: cobra.ExactArgs(1),
		Long: "Changes what is given; the rest stays. Policies and roles that are given take the place of those the token has."}
	t.add(c)
	return lister(e.withClient(c, func(cmd *cobra.Command, client *api.Client, args []string) error {
		have, err := findToken(cmd.Context(), client, args[0])
		if err != nil {
			return err
		}
		changed := cmd.Flags().Changed
		if changed("name") {
			have.Name = t.name
		}
		if changed("type") {
			have.Type = t.kind
		}
		if changed("global") {
			have.Global = t.global
		}
		if changed("policy") {
			have.Policies = namesOf(t.policies)
		}
		if changed("role-id") || changed("role-name") {
			if have.Roles, err = t.roles(); err != nil {
				return err
			}
		}
		got, err := client.ACL().UpdateToken(cmd.Context(), have)
		if err != nil {
			return err
		}
		if done, err := e.print(t.s, got); done {
			return err
		}
		e.showToken(got)
		return e.warnOfPolicies(cmd.Context(), client, got)
	}), &t.s, nil)
}

func (e *env) tokenDelete() *cobra.Command {
	return e.withClient(&cobra.Command{Use: "delete ACCESSOR", Short: "end a token, at once and everywhere", Args: cobra.ExactArgs(1)},
		func(cmd *cobra.Command, client *api.Client, args []string) error {
			accessor, err := wholeAccessor(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			if err := client.ACL().DeleteToken(cmd.Context(), accessor); err != nil {
				return err
			}
			e.say("Token %s successfully deleted", accessor)
			return nil
		})
}

func (e *env) tokenInfo() *cobra.Command {
	var s shown
	return lister(e.withClient(&cobra.Command{Use: "info ACCESSOR", Short: "show a token with its secret", Args: cobra.ExactArgs(1)},
		func(cmd *cobra.Command, client *api.Client, args []string) error {
			t, err := findToken(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			if done, err := e.print(s, t); done {
				return err
			}
			e.showToken(t)
			return nil
		}), &s, nil)
}

func (e *env) tokenSelf() *cobra.Command {
	var s shown
	return lister(e.withClient(&cobra.Command{Use: "self", Short: "show your token", Args: cobra.NoArgs},
		func(cmd *cobra.Command, client *api.Client, _ []string) error {
			t, err := client.ACL().Self(cmd.Context())
			if err != nil {
				return err
			}
			if done, err := e.print(s, t); done {
				return err
			}
			e.showToken(t)
			return nil
		}), &s, nil)
}

func (e *env) tokenList() *cobra.Command {
	var s shown
	return lister(e.withClient(&cobra.Command{Use: "list", Short: "list the tokens, without their secrets", Args: cobra.NoArgs},
		func(cmd *cobra.Command, client *api.Client, _ []string) error {
			all, _, err := client.ACL().Tokens(cmd.Context(), nil)
			if err != nil {
				return err
			}
			if done, err := e.print(s, all); done {
				return err
			}
			if len(all) == 0 {
				e.say("No ACL tokens found")
				return nil
			}
			rows := [][]string{{"Name", "Type", "Global", "Accessor ID", "Expires", "Policies", "Roles"}}
			for _, t := range all {
				var roles []string
				for _, r := range t.Roles {
					roles = append(roles, r.Name)
				}
				expires := "<none>"
				if t.ExpirationTime != nil {
					expires = t.ExpirationTime.UTC().Format(time.RFC3339)
				}
				rows = append(rows, []string{dash(t.Name), t.Type, strconv.FormatBool(t.Global), t.AccessorID.String(), expires, dash(strings.Join(t.Policies, ",")), dash(strings.Join(roles, ","))})
			}
			e.table(rows)
			return nil
		}), &s, nil)
}
