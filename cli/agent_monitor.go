package cli

import (
	"io"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
)

// monitorCommand follows an agent's log; monitor, the type, follows evaluations.
func (e *env) monitorCommand() *cobra.Command {
	var level, node, server string
	var asJSON, location bool
	c := &cobra.Command{
		Use: "monitor", Short: "follow the log of an agent", Args: cobra.NoArgs,
		Long: "Follows the log of an agent as it is written, until it is interrupted: of the one that is asked, of a node's, or of a server's. The\n" +
			"level may be lower than the one the agent itself writes.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			q := url.Values{"plain": {"true"}, "log_level": {level}}
			for name, value := range map[string]string{"node_id": node, "server_id": server} {
				if value != "" {
					q.Set(name, value)
				}
			}
			for name, on := range map[string]bool{"log_json": asJSON, "log_include_location": location} {
				if on {
					q.Set(name, "true")
				}
			}
			resp, err := client.Raw(cmd.Context(), http.MethodGet, "/v1/agent/monitor", q, nil)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			if _, err := io.Copy(e.out, resp.Body); err != nil && cmd.Context().Err() == nil {
				return err
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&level, "log-level", "INFO", "trace, debug, info, warn or error")
	f.StringVar(&node, "node-id", "", "id of the node whose agent is followed")
	f.StringVar(&server, "server-id", "", "id or name of the server that is followed, or leader")
	f.BoolVar(&asJSON, "json", false, "lines of JSON")
	f.BoolVar(&location, "log-include-location", false, "with the places in the program")
	return c
}
