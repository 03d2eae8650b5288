package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"berth/api"
)

func (e *env) operatorMetrics() *cobra.Command {
	var format, node, server string
	var pretty bool
	c := &cobra.Command{
		Use: "metrics", Short: "show the figures of an agent", Args: cobra.NoArgs,
		Long: "Shows the figures of an agent's last ten seconds: of the one that is asked, of a node's, or of a server's. What each means stands in\n" +
			"docs/reference/metrics.md.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch format {
			case "json":
				format = ""
			case "prometheus":
				if pretty {
					return fmt.Errorf("-pretty is for JSON: leave it out, or -format=prometheus")
				}
			default:
				return fmt.Errorf("-format=%s is unknown: use json or prometheus", format)
			}
			client, err := e.client()
			if err != nil {
				return err
			}
			text, err := client.Operator().MetricsText(cmd.Context(), format, addressed(node, server))
			if err != nil {
				return err
			}
			if pretty {
				var b bytes.Buffer
				if err := json.Indent(&b, text, "", "    "); err != nil {
					return err
				}
				text = b.Bytes()
			}
			e.say("%s", strings.TrimRight(string(text), "\n"))
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&format, "format", "json", "json, or prometheus where telemetry { prometheus_metrics } is on")
	f.BoolVar(&pretty, "pretty", false, "indent the JSON")
	f.StringVar(&node, "node-id", "", "id of the node whose agent is asked")
	f.StringVar(&server, "server-id", "", "id or name of the server that is asked, or leader")
	return c
}

// addressed asks another agent than the one that is talked to.
func addressed(node, server string) *api.QueryOptions {
	var q *api.QueryOptions
	if node != "" {
		q = q.With("node_id", node)
	}
	if server != "" {
		q = q.With("server_id", server)
	}
	return q
}
