package cli

import (
	"errors"
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
	c.AddCommand(e.monitorExport())
	f := c.Flags()
	f.StringVar(&level, "log-level", "INFO", "trace, debug, info, warn or error")
	f.StringVar(&node, "node-id", "", "id of the node whose agent is followed")
	f.StringVar(&server, "server-id", "", "id or name of the server that is followed, or leader")
	f.BoolVar(&asJSON, "json", false, "lines of JSON")
	f.BoolVar(&location, "log-include-location", false, "with the places in the program")
	return c
}

// monitorExport reads what an agent has written to its file.
func (e *env) monitorExport() *cobra.Command {
	var node, server string
	var disk, follow bool
	c := &cobra.Command{
		Use: "export", Short: "read the log file of an agent", Args: cobra.NoArgs,
		Long: "Reads the file an agent writes its log to (log_file in its configuration): of the one that is asked, of a node's, or of a server's.\n" +
			"The journal of a service is read on its machine: journalctl -u NAME.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !disk {
				return errors.New("say what to export: -on-disk, the agent's log_file")
			}
			client, err := e.client()
			if err != nil {
				return err
			}
			q := url.Values{"plain": {"true"}, "on_disk": {"true"}}
			for name, value := range map[string]string{"node_id": node, "server_id": server} {
				if value != "" {
					q.Set(name, value)
				}
			}
			if follow {
				q.Set("follow", "true")
			}
			resp, err := client.Raw(cmd.Context(), http.MethodGet, "/v1/agent/monitor/export", q, nil)
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
	f.BoolVar(&disk, "on-disk", false, "the file log_file names")
	f.BoolVar(&follow, "follow", false, "go on with what is written to it")
	f.StringVar(&node, "node-id", "", "id of the node whose agent is asked")
	f.StringVar(&server, "server-id", "", "id or name of the server that is asked, or leader")
	return c
}
