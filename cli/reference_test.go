package cli

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestTheReferenceOfCommandsIsFresh compares the reference with the commands; `make generate` writes it.
func TestTheReferenceOfCommandsIsFresh(t *testing.T) {
	var b bytes.Buffer
	b.WriteString("# Commands\n\nMade from the program by `make generate`; do not edit. Flags may be written with one hyphen or two.\n")
	root := (&env{}).root()
	b.WriteString("\nOn every command:\n\n")
	describe(&b, root.PersistentFlags())
	each(root, func(c *cobra.Command) {
		if !c.HasSubCommands() && !c.Hidden && c.Name() != "help" {
			fmt.Fprintf(&b, "\n## %s\n\n    %s\n\n", c.CommandPath(), c.UseLine())
			text := c.Long
			if text == "" {
				text = strings.ToUpper(c.Short[:1]) + c.Short[1:] + "."
			}
			b.WriteString(text + "\n\n")
			describe(&b, c.LocalNonPersistentFlags())
		}
	})
	got := strings.TrimRight(b.String(), "\n") + "\n"
	const path = "../docs/reference/commands.md"
	if os.Getenv("BERTH_UPDATE") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != got {
		t.Errorf("docs/reference/commands.md is not what the commands are (%v): run make generate", err)
	}
}

func each(c *cobra.Command, do func(*cobra.Command)) {
	do(c)
	for _, sub := range c.Commands() {
		each(sub, do)
	}
}

func describe(b *bytes.Buffer, flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" {
			return
		}
		name := "-" + f.Name
		if f.Shorthand != "" && f.Shorthand != f.Name {
			name = "-" + f.Shorthand + ", " + name
		}
		value := ""
		switch {
		case f.Value.Type() == "bool" && f.DefValue == "true":
			value = " (default true)"
		case f.Value.Type() != "bool" && f.DefValue != "" && f.DefValue != "0" && f.DefValue != "[]":
			value = " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(b, "- `%s` %s%s\n", name, f.Usage, value)
	})
}

// TestEveryCommandIsDescribed keeps help useful.
func TestEveryCommandIsDescribed(t *testing.T) {
	each((&env{}).root(), func(c *cobra.Command) {
		if c.Short == "" {
			t.Errorf("%s has no description", c.CommandPath())
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s -%s has no description", c.CommandPath(), f.Name)
			}
		})
	})
}
