package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"berth/agent/config"
	"berth/api"
	"berth/internal/version"
	"berth/jobspec"
	"berth/structs"
)

// env is what every command works with.
type env struct {
	in       io.Reader
	out, err io.Writer
	color    bool
	cfg      api.Config
	cached   *api.Client
	answers  *bufio.Reader // of in, once something was asked
}

// exitError ends the program with a code; its text, if any, was said already.
type exitError struct{ code int }

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// Main runs the command line and gives the exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	e := &env{in: stdin, out: stdout, err: stderr, cfg: api.ConfigFromEnv(os.Getenv)}
	e.color = colors(stdout)
	root := e.root()
	root.SetArgs(normalize(args))
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := root.ExecuteContext(ctx)
	var exit exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.code
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return 130
	}
	e.fail(flagGroups(err))
	return 1
}

// colors reports whether an output is to be coloured.
func colors(out io.Writer) bool {
	for _, name := range []string{"NO_COLOR", "NOMAD_CLI_NO_COLOR", "BERTH_CLI_NO_COLOR"} {
		if os.Getenv(name) != "" {
			return false
		}
	}
	if os.Getenv("NOMAD_CLI_FORCE_COLOR") != "" || os.Getenv("BERTH_CLI_FORCE_COLOR") != "" {
		return true
	}
	f, ok := out.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// fail says an error for people: files with their places, everything else as one sentence.
func (e *env) fail(err error) {
	var files *config.Error
	if errors.As(err, &files) {
		if rerr := files.Render(e.err, e.color); rerr == nil {
			return
		}
	}
	text := err.Error()
	var file *fs.PathError
	if errors.As(err, &file) && file.Op == "open" && errors.Is(file, fs.ErrNotExist) {
		text = strings.Replace(text, file.Error(), "there is no file "+file.Path, 1)
	}
	fmt.Fprintln(e.err, "berth: "+plain(strings.TrimRight(text, "\n")+e.wayOut(err), e.color))
}

// wayOut says what to do about the contract's short answers, which do not.
func (e *env) wayOut(err error) string {
	var answer *api.Error
	if !errors.As(err, &answer) {
		return ""
	}
	switch answer.Message {
	case "No cluster leader":
		return " (more than half of the servers must be alive: `berth server members` shows them; `berth operator recover` is for those lost for good)"
	case "Permission denied":
		needs := ""
		if answer.Permission != "" {
			needs = "it needs " + answer.Permission + "; "
		}
		if e.cfg.Token == "" {
			return " (" + needs + "no token was shown: give -token, or set BERTH_TOKEN to a token's secret; a new cluster's first token is made by `berth acl bootstrap`)"
		}
		return " (" + needs + "the policies of your token do not grant it: `berth acl policy self` shows them)"
	case "ACL token not found", "ACL token expired":
		if answer.Status == http.StatusNotFound { // the one that was named, not the caller's
			return " (`berth acl token list` shows the accessors of all)"
		}
		if answer.Region != "" {
			return fmt.Sprintf(" (region %q decides over this and does not know the token: show a global one, or one of that region)", answer.Region)
		}
		return " (give -token, or set BERTH_TOKEN to the secret of a token that works)"
	case "ACL policy not found":
		return " (`berth acl policy list` shows them)"
	case "ACL role not found":
		return " (`berth acl role list` shows them)"
	case "client token missing policies or roles":
		return " (give -policy or -role-name; a token of -type=management may do everything)"
	case "No path to region":
		if e.cfg.Region != "" {
			return fmt.Sprintf(" %q (`berth operator region list` shows which regions are joined)", e.cfg.Region)
		}
		return " (`berth operator region list` shows which regions are joined)"
	}
	if m := bootstrapped.FindStringSubmatch(answer.Message); m != nil {
		where := ""
		if answer.Region != "" {
			where = fmt.Sprintf(" of region %q, which decides over tokens", answer.Region)
		}
		return fmt.Sprintf(" (is the last management token lost? Write %s into the file server/acl-bootstrap-reset of the data directory of the leader%s, and run this again)", m[1], where)
	}
	return ""
}

// bootstrapped is the contract's sentence about a first token that was made before.
var bootstrapped = regexp.MustCompile(`ACL bootstrap already done \(reset index: (\d+)\)`)

// groupFault are cobra's sentences about flags of which one is needed, or only one may be given.
var groupFault = regexp.MustCompile(`^(at least one of the flags in|if any flags in) the group \[([^]]*)\]`)

// flagsMissing is cobra's sentence about flags that must be given.
var flagsMissing = regexp.MustCompile(`^required flag\(s\) "(.*)" not set$`)

// flagGroups says them with the flags as they are typed.
func flagGroups(err error) error {
	if m := flagsMissing.FindStringSubmatch(err.Error()); m != nil {
		return fmt.Errorf("give -%s (-h tells more)", strings.ReplaceAll(m[1], `", "`, " and -"))
	}
	m := groupFault.FindStringSubmatch(err.Error())
	if m == nil {
		return err
	}
	flags := "-" + strings.Join(strings.Fields(m[2]), " or -")
	if strings.HasPrefix(m[1], "if") {
		return fmt.Errorf("give only one of %s", flags)
	}
	return fmt.Errorf("give %s", flags)
}

// client connects to the agent that flags and environment name.
func (e *env) client() (*api.Client, error) {
	if e.cached != nil {
		return e.cached, nil
	}
	c, err := api.New(e.cfg)
	e.cached = c
	return c, err
}

func (e *env) root() *cobra.Command {
	root := &cobra.Command{
		Use: "berth", Short: "Berth turns a set of Linux machines into one computer",
		Long: "Berth turns a set of Linux machines into one computer.\n\n" +
			"  berth agent -dev            an agent on this machine, to try things\n" +
			"  berth job init              write a job file\n" +
			"  berth job run web.hcl       run it\n" +
			"  berth job status [web]      what runs\n" +
			"  berth alloc logs -f ID      what it says\n" +
			"  berth why web               why it is as it is",
		SilenceErrors: true, SilenceUsage: true, Args: cobra.ArbitraryArgs,
		RunE: e.unknown,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	f := root.PersistentFlags()
	f.StringVar(&e.cfg.Address, "address", e.cfg.Address, "address of the agent's API (BERTH_ADDR, NOMAD_ADDR)")
	f.StringVar(&e.cfg.Namespace, "namespace", e.cfg.Namespace, "namespace (NOMAD_NAMESPACE)")
	f.StringVar(&e.cfg.Region, "region", e.cfg.Region, "region (NOMAD_REGION)")
	f.StringVar(&e.cfg.Token, "token", e.cfg.Token, "access token (BERTH_TOKEN, NOMAD_TOKEN)")
	tls := &e.cfg.TLS
	f.StringVar(&tls.CACert, "ca-cert", tls.CACert, "certificate authority of the agent, in PEM form (NOMAD_CACERT)")
	f.StringVar(&tls.CAPath, "ca-path", tls.CAPath, "directory of certificate authorities (NOMAD_CAPATH)")
	f.StringVar(&tls.ClientCert, "client-cert", tls.ClientCert, "certificate to show to the agent (NOMAD_CLIENT_CERT)")
	f.StringVar(&tls.ClientKey, "client-key", tls.ClientKey, "key of that certificate (NOMAD_CLIENT_KEY)")
	f.StringVar(&tls.ServerName, "tls-server-name", tls.ServerName, "name the agent's certificate is for (NOMAD_TLS_SERVER_NAME)")
	f.BoolVar(&tls.Insecure, "tls-skip-verify", tls.Insecure, "accept any certificate, for tests (NOMAD_SKIP_VERIFY)")
	noColor := f.Bool("no-color", false, "no colours (NO_COLOR, NOMAD_CLI_NO_COLOR)")
	forceColor := f.Bool("force-color", false, "colours even where nobody sees them (NOMAD_CLI_FORCE_COLOR)")
	root.PersistentPreRun = func(*cobra.Command, []string) {
		e.color = (e.color || *forceColor) && !*noColor
	}
	root.AddCommand(e.agentCommand(), e.configCommand(), e.jobCommand(), e.explainCommand(), e.allocCommand(), e.nodeCommand(), e.evalCommand(), e.deploymentCommand(), e.eventsCommand(),
		e.agentInfo(), e.imageCommand(), e.systemCommand(), e.namespaceCommand(), e.serverCommand(), e.operatorCommand(), e.aclCommand(), e.priorityClassCommand(), e.disruptionBudgetCommand(), e.queueCommand(), e.whyCommand(), e.whatifCommand(), e.statusCommand(), e.monitorCommand(), e.fmtCommand(), e.versionCommand())
	addAliases(root)
	root.Version = version.String()
	root.SetVersionTemplate("Berth {{.Version}}\n")
	root.SetFlagErrorFunc(badFlag)
	sayUsage(root)
	return root
}

// aliases are the contract's short and older names of commands.
var aliases = map[string][]string{
	"run": {"job", "run"}, "plan": {"job", "plan"}, "stop": {"job", "stop"}, "start": {"job", "start"}, "validate": {"job", "validate"}, "inspect": {"job", "inspect"},
	"init": {"job", "init"}, "exec": {"alloc", "exec"}, "logs": {"alloc", "logs"}, "fs": {"alloc", "fs"}, "debug": {"operator", "debug"},
	"alloc-status": {"alloc", "status"}, "eval-status": {"eval", "status"}, "node-status": {"node", "status"}, "node-drain": {"node", "drain"},
	"server-members": {"server", "members"}, "server-join": {"server", "join"}, "server-force-leave": {"server", "force-leave"},
	"keygen": {"operator", "gossip", "keyring", "generate"},
}

// addAliases gives commands their other names, which no list shows.
func addAliases(root *cobra.Command) {
	for name, path := range aliases {
		if c, rest, err := root.Find(path); err == nil && len(rest) == 0 {
			top := *c
			top.Hidden = true
			top.Use = name + strings.TrimPrefix(c.Use, c.Name())
			root.AddCommand(&top)
		}
	}
}

// valueKinds say in words what a flag's value is.
var valueKinds = map[string]string{"bool": "true or false", "int": "whole number", "int64": "whole number", "uint": "whole number from 0",
	"uint64": "whole number from 0", "float64": "number", "duration": "time, such as 30s or 2h"}

// badFlag names the flag that may have been meant.
func badFlag(cmd *cobra.Command, err error) error {
	_, typed, _ := strings.Cut(err.Error(), "unknown flag: --")
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := structs.Nearest(typed, names); typed != "" && near != "" {
		return fmt.Errorf("%s has no flag -%s: did you mean -%s?", cmd.CommandPath(), typed, near)
	}
	if typed != "" {
		return fmt.Errorf("%s has no flag -%s: `%[1]s -h` lists its flags", cmd.CommandPath(), typed)
	}
	var bad *pflag.InvalidValueError
	if errors.As(err, &bad) {
		f := bad.GetFlag()
		return fmt.Errorf("-%s=%s is no %s: `%s -h` tells what it is", f.Name, bad.GetValue(), valueKinds[f.Value.Type()], cmd.CommandPath())
	}
	return fmt.Errorf("%w: `%s -h` lists the flags", err, cmd.CommandPath())
}

// sayUsage makes commands say how they are used where their arguments are wrong.
func sayUsage(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(cmd *cobra.Command, args []string) error {
			switch err := check(cmd, args); {
			case err == nil && len(args) > 0 && args[0] == "": // a shell's variable that is not set
				return fmt.Errorf("the first argument is empty: usage: %s", cmd.UseLine())
			case err == nil:
				return nil
			}
			return fmt.Errorf("usage: %s (`%s -h` tells more)", cmd.UseLine(), cmd.CommandPath())
		}
	}
	for _, sub := range c.Commands() {
		sayUsage(sub)
	}
}

func (e *env) versionCommand() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "say which Berth this is", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		fmt.Fprintln(e.out, "Berth "+version.String())
		if rev := version.Revision(); rev != "" {
			fmt.Fprintln(e.out, "Revision "+rev)
		}
		return nil
	}}
}

// group is a command that only holds others.
func (e *env) group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs, RunE: e.unknown}
	c.AddCommand(commands...)
	return c
}

// exitUnknown is the contract's exit code for a command that does not exist.
const exitUnknown = 127

// unknown helps where a command is missing or misspelt.
func (e *env) unknown(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	var names []string
	for _, sub := range cmd.Commands() {
		names = append(names, sub.Name())
	}
	hint := fmt.Sprintf("`%s -h` lists them", cmd.CommandPath())
	if near := structs.Nearest(args[0], names); near != "" {
		hint = fmt.Sprintf("did you mean `%s %s`?", cmd.CommandPath(), near)
	}
	e.fail(fmt.Errorf("%s has no command %q: %s", cmd.CommandPath(), args[0], hint))
	return exitError{exitUnknown}
}

// say prints a line.
func (e *env) say(format string, args ...any) {
	fmt.Fprintln(e.out, plain(fmt.Sprintf(format, args...), e.color))
}

// next says commands that can be typed as they stand: with the region, where a flag or a job's file named it.
func (e *env) next(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if r := e.cfg.Region; r != "" && r != api.ConfigFromEnv(os.Getenv).Region {
		text = strings.ReplaceAll(text, "berth ", "berth -region "+r+" ")
	}
	e.say("%s", text)
}

// paint colours a text on a terminal.
func (e *env) paint(code, text string) string {
	if !e.color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// diagnostics shows what is wrong with a job file.
func (e *env) diagnostics(diags jobspec.Diagnostics) error {
	if err := diags.Render(e.err, e.color); err != nil {
		return err
	}
	if !diags.HasErrors() {
		return nil
	}
	n := 0
	for _, d := range diags {
		if d.Severity == jobspec.SeverityError {
			n++
		}
	}
	plural := "s"
	if n == 1 {
		plural = ""
	}
	fmt.Fprintf(e.err, "\n%d error%s; nothing was sent\n", n, plural)
	return exitError{1}
}
