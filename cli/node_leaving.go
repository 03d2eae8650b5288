package cli

import (
	"context"
	"strings"

	"berth/api"
)

// waits are what allocations wait for that are to leave a node, in words.
func waits(w *api.Why) []string {
	var lines []string
	for _, x := range w.Waiting {
		if strings.HasPrefix(x.Subject, "allocation ") {
			lines = append(lines, x.Subject+" "+x.Reason)
		}
	}
	return lines
}

// leaving shows what is to leave the node and may not yet.
func (e *env) leaving(ctx context.Context, c *api.Client, n *api.Node) error {
	w, _, err := c.WhyNode(ctx, n.ID.String(), nil)
	if err != nil {
		return err
	}
	if lines := waits(w); len(lines) > 0 {
		e.head("Waiting to Leave")
		for _, line := range lines {
			e.say("%s", line)
		}
	}
	return nil
}
