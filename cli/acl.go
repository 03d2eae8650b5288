package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"berth/api"
)

func (e *env) aclCommand() *cobra.Command {
	return e.group("acl", "who may use the API: tokens, policies and roles", e.aclBootstrap(),
		e.group("policy", "rules under a name", e.policyApply(), e.policyDelete(), e.policyInfo(), e.policyList(), e.policySelf()),
		e.group("token", "what callers show", e.tokenCreate(), e.tokenUpdate(), e.tokenDelete(), e.tokenInfo(), e.tokenList(), e.tokenSelf()),
		e.group("role", "policies under a name, for tokens", e.roleCreate(), e.roleUpdate(), e.roleDelete(), e.roleInfo(), e.roleList()))
}

// maxACLFile bounds a file with rules or a secret, in bytes.
const maxACLFile = 1 << 20

// aclFile reads a file, or standard input for "-".
func (e *env) aclFile(name string) (string, error) {
	from := e.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer func() { _ = f.Close() }() // it is only read
		from = f
	}
	raw, err := io.ReadAll(io.LimitReader(from, maxACLFile+1))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	if len(raw) > maxACLFile {
		return "", fmt.Errorf("%s has more than %d bytes", name, maxACLFile)
	}
	return string(raw), nil
}

// withClient is a command that needs an agent.
func (e *env) withClient(c *cobra.Command, run func(cmd *cobra.Command, client *api.Client, args []string) error) *cobra.Command {
	c.RunE = func(cmd *cobra.Command, args []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		return run(cmd, client, args)
	}
	return c
}

func (e *env) aclBootstrap() *cobra.Command {
	var s shown
	c := &cobra.Command{Use: "bootstrap [FILE]", Short: "make the first token, which may do everything", Args: cobra.MaximumNArgs(1),
		Long: "Makes the first token, once; whoever asks first has it. Keep it: it makes all the others. FILE (- is standard input) has a secret of\n" +
			"your own, a UUID. When the last management token is lost, write the reset index that this command prints into the file\n" +
			"server/acl-bootstrap-reset of the leader's data directory, and run it again."}
	return lister(e.withClient(c, func(cmd *cobra.Command, client *api.Client, args []string) error {
		secret := ""
		if len(args) > 0 {
			text, err := e.aclFile(args[0])
			if err != nil {
				return err
			}
			if secret = strings.TrimSpace(text); secret == "" {
				return errors.New("the file holds no secret")
			}
		}
		t, err := client.ACL().Bootstrap(cmd.Context(), secret)
		if err != nil {
			return err
		}
		if done, err := e.print(s, t); done {
			return err
		}
		e.showToken(t)
		fmt.Fprintf(e.err, "next: export BERTH_TOKEN=%s\n", t.SecretID)
		return nil
	}), &s, nil)
}
