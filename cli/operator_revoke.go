package cli

import (
	"github.com/spf13/cobra"

	"berth/api"
)

func (e *env) revoke() *cobra.Command {
	req := &api.RevocationRequest{}
	c := &cobra.Command{Use: "revoke MACHINE|SERIAL", Short: "shut a machine out before its certificate ends", Args: cobra.ExactArgs(1),
		Long: "Makes all certificates of a machine worthless, named by its whole id, or one certificate by its serial number. Servers refuse\n" +
			"them from now on and end the connections that stand; a server that is shut out is taken out of the consensus group too. It is\n" +
			"for a machine that was stolen or broken into: what it runs is replaced as that of a node that is lost.\n\n" +
			"A server also has the cluster's keys. When one was stolen, change them as well: `berth operator ca rotate -new` and\n" +
			"`berth operator gossip keyring`.",
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			req.Name = args[0]
			r, err := client.Operator().RevokeCertificates(cmd.Context(), req)
			if err != nil {
				return err
			}
			what := "Certificate"
			if r.Machine {
				what = "All certificates of machine"
			}
			e.say("%s %s revoked. The revocation is kept until %s.", what, r.Name, r.ExpiresAt.UTC().Format("2006-01-02 15:04 UTC"))
			return nil
		}}
	c.Flags().StringVar(&req.Reason, "reason", "", "why; the machine is told")
	return c
}

func (e *env) reinstate() *cobra.Command {
	return &cobra.Command{Use: "reinstate MACHINE|SERIAL", Short: "take a revocation back", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			if err := client.Operator().ReinstateCertificates(cmd.Context(), args[0]); err != nil {
				return err
			}
			e.say("%s is no longer revoked", args[0])
			return nil
		}}
}

func (e *env) revocations() *cobra.Command {
	var s shown
	c := &cobra.Command{Use: "revocations", Short: "list what is revoked", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		all, _, err := client.Operator().Revocations(cmd.Context(), nil)
		if err != nil {
			return err
		}
		if done, err := e.print(s, all); done {
			return err
		}
		if len(all) == 0 {
			e.say("No certificate is revoked")
			return nil
		}
		rows := [][]string{{"Name", "Of", "Revoked", "Kept Until", "Reason"}}
		for _, r := range all {
			of := "one certificate"
			if r.Machine {
				of = "a machine"
			}
			rows = append(rows, []string{r.Name, of, r.RevokedAt.UTC().Format("2006-01-02 15:04 UTC"), r.ExpiresAt.UTC().Format("2006-01-02"), dash(r.Reason)})
		}
		e.table(rows)
		return nil
	}}
	c.Flags().BoolVar(&s.json, "json", false, "print JSON")
	c.Flags().StringVarP(&s.template, "template", "t", "", "Go template")
	return c
}
