package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"berth/api"
)

func (e *env) joinTokenCommand() *cobra.Command {
	return e.group("join-token", "what lets machines join the cluster", e.joinTokenCreate("create", "make a token and print the line that joins a machine", false),
		e.joinTokenList(), e.joinTokenRevoke(), e.joinTokenCreate("rotate", "make a token and revoke all others of its role", true))
}

func (e *env) joinTokenCreate(use, short string, rotate bool) *cobra.Command {
	var s shown
	req := &api.JoinTokenRequest{Rotate: rotate}
	var ttl time.Duration
	var quiet bool
	c := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		req.TTL = ""
		if cmd.Flags().Changed("ttl") {
			req.TTL = ttl.String()
		}
		t, err := client.Operator().CreateJoinToken(cmd.Context(), req)
		if err != nil {
			return err
		}
		if done, err := e.print(s, t); done {
			return err
		}
		if quiet {
			e.say("%s", t.Token)
			return nil
		}
		if t.Role == "region" {
			e.say("Run this on a server of the other region, until %s:\n\n    berth server join %s\n", t.ExpiresAt.UTC().Format("2006-01-02 15:04 UTC"), t.Token)
			e.say("The two regions then trust each other's certificates. `berth operator join-token revoke %s` ends the token.", t.ID)
			return nil
		}
		uses := "any number of machines"
		if t.MaxUses > 0 {
			uses = plural(t.MaxUses, "machine")
		}
		e.say("Run this on a machine that is to be a %s, until %s, for %s:\n\n    berth agent -data-dir=/var/lib/berth -join-token=%s\n",
			t.Role, t.ExpiresAt.UTC().Format("2006-01-02 15:04 UTC"), uses, t.Token)
		e.say("Whoever has the token can join. `berth operator join-token revoke %s` ends it.", t.ID)
		return nil
	}}
	f := c.Flags()
	f.StringVar(&req.Role, "role", "client", "what the machine is to be, client or server; region joins another region with this one")
	f.DurationVar(&ttl, "ttl", time.Hour, "how long the token lasts, at most 720h")
	f.IntVar(&req.MaxUses, "max-uses", 0, "how many machines may join with it; 0 is any number")
	f.StringVar(&req.Description, "description", "", "what it is for")
	f.BoolVarP(&quiet, "quiet", "q", false, "print the token alone")
	f.BoolVar(&s.json, "json", false, "print JSON")
	f.StringVarP(&s.template, "template", "t", "", "Go template")
	return c
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func (e *env) joinTokenList() *cobra.Command {
	var s shown
	c := &cobra.Command{Use: "list", Short: "list the tokens, without their secrets", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		all, _, err := client.Operator().JoinTokens(cmd.Context(), nil)
		if err != nil {
			return err
		}
		if done, err := e.print(s, all); done {
			return err
		}
		if len(all) == 0 {
			e.say("No join tokens")
			return nil
		}
		rows := [][]string{{"ID", "Role", "Expires", "Uses", "Last Used By", "Description"}}
		for _, t := range all {
			uses := fmt.Sprint(t.Uses)
			if t.MaxUses > 0 {
				uses = fmt.Sprintf("%d of %d", t.Uses, t.MaxUses)
			}
			rows = append(rows, []string{t.ID, t.Role, t.ExpiresAt.UTC().Format("2006-01-02 15:04 UTC"), uses, dash(t.LastUsedBy), dash(t.Description)})
		}
		e.table(rows)
		return nil
	}}
	c.Flags().BoolVar(&s.json, "json", false, "print JSON")
	c.Flags().StringVarP(&s.template, "template", "t", "", "Go template")
	return c
}

func (e *env) joinTokenRevoke() *cobra.Command {
	return &cobra.Command{Use: "revoke ID", Short: "end a token; machines that joined stay", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		if err := client.Operator().RevokeJoinToken(cmd.Context(), args[0]); err != nil {
			return err
		}
		e.say("Revoked join token %s", args[0])
		return nil
	}}
}

func (e *env) authorityCommand() *cobra.Command {
	return e.group("ca", "the cluster's certificate authority", e.authorityList(), e.authorityRotate(), e.revoke(), e.reinstate(), e.revocations())
}

func (e *env) authorityList() *cobra.Command {
	var s shown
	c := &cobra.Command{Use: "list", Short: "list the roots machines trust", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		all, _, err := client.Operator().AuthorityRoots(cmd.Context(), nil)
		if err != nil {
			return err
		}
		if done, err := e.print(s, all); done {
			return err
		}
		rows := [][]string{{"ID", "Status", "Valid Until", "Name"}}
		for _, r := range all {
			status := "issues"
			if !r.Active {
				status = "trusted until " + r.RetireAt.UTC().Format("2006-01-02 15:04 UTC")
			}
			rows = append(rows, []string{r.ID[:min(16, len(r.ID))], status, r.NotAfter.UTC().Format("2006-01-02"), r.Subject})
		}
		e.table(rows)
		return nil
	}}
	c.Flags().BoolVar(&s.json, "json", false, "print JSON")
	c.Flags().StringVarP(&s.template, "template", "t", "", "Go template")
	return c
}

func (e *env) authorityRotate() *cobra.Command {
	var alone bool
	c := &cobra.Command{Use: "rotate", Short: "make a new root; nothing restarts", Args: cobra.NoArgs,
		Long: "Makes a new root that issues all certificates from now on. Machines trust the root before until the last certificate it issued\n" +
			"has ended, two days later; nothing restarts and no connection breaks. Join tokens made before stay good as long as that.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			r, err := client.Operator().RotateAuthority(cmd.Context(), alone)
			if err != nil {
				return err
			}
			e.say("Root %s issues certificates from now on", r.ID[:min(16, len(r.ID))])
			return nil
		}}
	c.Flags().BoolVar(&alone, "new", false, "the root before does not vouch for the new one: for a state restored from another cluster's backup")
	return c
}
