package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"berth/api"
)

func (e *env) regionCommand() *cobra.Command {
	return e.group("region", "the regions this one is joined with", e.regionList(), e.regionStatus(), e.regionForget())
}

func (e *env) regionList() *cobra.Command {
	var s shown
	c := &cobra.Command{Use: "list", Short: "list the regions this one is joined with", Args: cobra.NoArgs,
		Long: "Lists the regions this one is joined with: whose certificates it trusts, and to whose servers it sends requests that name them\n" +
			"with -region. `berth server join TOKEN` joins another.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			all, _, err := client.Operator().Regions(cmd.Context(), nil)
			if err != nil {
				return err
			}
			if done, err := e.print(s, all); done {
				return err
			}
			if len(all) == 0 {
				e.say("This region is joined with no other")
				return nil
			}
			rows := [][]string{{"Name", "Servers Alive", "Told By", "Root"}}
			for _, r := range all {
				root := ""
				if len(r.Roots) > 0 {
					root = r.Roots[0][:min(16, len(r.Roots[0]))]
				}
				rows = append(rows, []string{r.Name, fmt.Sprintf("%d of %d", r.Alive, r.Members), dash(r.Via), root})
			}
			e.table(rows)
			return nil
		}}
	c.Flags().BoolVar(&s.json, "json", false, "print JSON")
	c.Flags().StringVarP(&s.template, "template", "t", "", "Go template")
	return c
}

func (e *env) regionStatus() *cobra.Command {
	var s shown
	c := &cobra.Command{Use: "status", Short: "tell how this region follows the authoritative one", Args: cobra.NoArgs,
		Long: "Tells which region decides over policies, roles, global tokens, namespaces and node pools (server.authoritative_region), and how this\n" +
			"one follows it: when it last had all that the other has, and why it has not now. Name another region with -region.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			r, err := client.Operator().Replication(cmd.Context())
			if err != nil {
				return err
			}
			if done, err := e.print(s, r); done {
				return err
			}
			e.pairs(replicationPairs(r))
			for _, text := range r.Aside {
				e.say("Not as there: %s", text)
			}
			return nil
		}}
	c.Flags().BoolVar(&s.json, "json", false, "print JSON")
	c.Flags().StringVarP(&s.template, "template", "t", "", "Go template")
	return c
}

func replicationPairs(r *api.ReplicationStatus) [][2]string {
	out := [][2]string{{"Region", r.Region}, {"Authoritative Region", r.AuthoritativeRegion}}
	if !r.Follows {
		return append(out, [2]string{"Follows", "nobody: this region decides"})
	}
	last := "never, since this leader began"
	if r.LastSuccess != nil {
		last = time.Duration(r.Age).Round(time.Second).String() + " ago"
	}
	out = append(out, [2]string{"Up To Date", last}, [2]string{"Commands", fmt.Sprint(r.Applied)})
	if r.Error != "" {
		out = append(out, [2]string{"Error", r.Error})
	}
	return out
}

func (e *env) regionForget() *cobra.Command {
	return &cobra.Command{Use: "forget NAME", Short: "end the trust in a region", Args: cobra.ExactArgs(1),
		Long: "Ends the trust of this region in another: its certificates are no longer taken, its servers no longer listened to, and no request\n" +
			"is sent there. What runs in either is not touched. Run it in both. The other region still knows the key this one's gossip was\n" +
			"encrypted with: `berth operator gossip keyring` makes another the one in use. A new token joins the two again.",
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			if err := client.Operator().ForgetRegion(cmd.Context(), args[0]); err != nil {
				return err
			}
			e.say("Region %s is no longer trusted", args[0])
			return nil
		}}
}

// regionToken begins a token that joins a region.
const regionToken = "berth-join-region-"

// joinRegion joins the region of a token.
func (e *env) joinRegion(cmd *cobra.Command, token string) error {
	client, err := e.client()
	if err != nil {
		return err
	}
	names, err := client.Operator().JoinRegion(cmd.Context(), token)
	if err != nil {
		return err
	}
	e.say("Joined with region %s", strings.Join(names, ", "))
	return nil
}
