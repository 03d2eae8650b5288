package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"

	"berth/internal/pki"
	"berth/jobspec"
)

// Flags are what the command line sets; "" and false leave it to the files.
type Flags struct {
	Dev         bool
	ConfigPaths []string // files and directories, in order
	DataDir     string
	BindAddr    string
	LogLevel    string
	NodeName    string
	Region      string
	Datacenter  string
	JoinToken   string // text of a join token

	Server          bool
	Client          bool
	BootstrapExpect int      // -1 leaves it to the files
	RetryJoin       []string // addresses of gossip
	Encrypt         string
	Servers         []string // cluster ports, for a node
}

// Error is what is wrong with configuration files, with the places.
type Error struct{ Diagnostics jobspec.Diagnostics }

// Error lists the faults, one a line.
func (e *Error) Error() string { return e.Diagnostics.Err().Error() }

// Render writes the faults for people.
func (e *Error) Render(w io.Writer, color bool) error { return e.Diagnostics.Render(w, color) }

// Load reads files and flags. The error is an *Error where a file can be shown.
func Load(flags Flags) (*Config, error) {
	c := Default()
	if flags.Dev {
		c.applyDev()
	}
	b := &builder{c: c, at: defaultAddresses()}
	names, err := expand(flags.ConfigPaths)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		f, err := readFile(name)
		if err != nil {
			return nil, err
		}
		c.Files = append(c.Files, name)
		b.apply(name, f)
	}
	for _, o := range []struct {
		to   *string
		from string
	}{{&c.DataDir, flags.DataDir}, {&c.BindAddr, flags.BindAddr}, {&c.LogLevel, flags.LogLevel}, {&c.Name, flags.NodeName},
		{&c.JoinToken, flags.JoinToken}, {&c.Region, flags.Region}, {&c.Datacenter, flags.Datacenter}} {
		if o.from != "" {
			*o.to = o.from
		}
	}
	b.flags(flags)
	b.checkDrain()
	if err := c.finish(b.at); err != nil {
		b.errs = append(b.errs, err)
	}
	if err := errors.Join(append(b.errs, c.validate()...)...); err != nil {
		return nil, err
	}
	return c, nil
}

// flags lays the roles of the command line over the files, as if they were a file.
func (b *builder) flags(f Flags) {
	yes := true
	b.file = "command line"
	if f.Server || f.BootstrapExpect > 0 || len(f.RetryJoin) > 0 || f.Encrypt != "" {
		s := &serverBlock{RetryJoin: f.RetryJoin}
		if f.Server {
			s.Enabled = &yes
		}
		if f.BootstrapExpect > 0 {
			s.BootstrapExpect = &f.BootstrapExpect
		}
		if f.Encrypt != "" {
			s.Encrypt = &f.Encrypt
		}
		b.server(s)
	}
	if f.Client || len(f.Servers) > 0 {
		k := &clientBlock{Servers: f.Servers}
		if f.Client {
			k.Enabled = &yes
		}
		b.client(k)
	}
	b.token()
	if !b.expectSet && len(b.c.Server.Join) == 0 && b.c.JoinToken == "" {
		b.c.Server.Expect = 1 // nobody to join, nobody expected: a cluster of one
	}
}

// token makes an agent that was told no role what it joined as, or what its join token is for.
func (b *builder) token() {
	c := b.c
	var role pki.Role
	if joined, err := pki.Load(PKIDir(c.DataDir)); err == nil && c.DataDir != "" {
		role, c.Joined = joined.ID.Role, true
	}
	if c.Server.Enabled || c.Client.Enabled {
		return
	}
	if role == "" && c.JoinToken != "" {
		t, err := pki.ParseToken(c.JoinToken)
		if err != nil {
			b.errs = append(b.errs, err)
			return
		}
		role = t.Role
	}
	c.Server.Enabled, c.Client.Enabled = role == pki.RoleServer, role == pki.RoleClient
	switch role {
	case pki.RoleServer, pki.RoleClient:
	case pki.RoleRegion:
		b.errs = append(b.errs, errors.New("the join token joins regions, not machines: give it to `berth server join` on a server of the other region"))
	default:
		b.errs = append(b.errs, errors.New("neither server nor client is enabled: set server { enabled = true } and client { enabled = true }, or run `berth agent -dev`"))
	}
}

// PKIDir is where a machine keeps its certificate.
func PKIDir(dataDir string) string { return filepath.Join(dataDir, "pki") }

// expand names the files of paths: of a directory those that end in .hcl and .json, by name.
func expand(paths []string) ([]string, error) {
	var out []string
	for _, p := range paths {
		st, err := os.Stat(p)
		if err != nil {
			return nil, fmt.Errorf("configuration %s cannot be read: %w", p, err)
		}
		if !st.IsDir() {
			if !st.Mode().IsRegular() {
				return nil, fmt.Errorf("configuration %s is not a regular file", p)
			}
			out = append(out, p)
			continue
		}
		entries, err := os.ReadDir(p)
		if err != nil {
			return nil, fmt.Errorf("configuration directory %s cannot be read: %w", p, err)
		}
		for _, e := range entries {
			if ext := filepath.Ext(e.Name()); e.Type().IsRegular() && (ext == ".hcl" || ext == ".json") && !strings.HasPrefix(e.Name(), ".") {
				out = append(out, filepath.Join(p, e.Name()))
			}
		}
	}
	return out, nil
}

func readFile(name string) (*file, error) {
	src, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("configuration %s cannot be read: %w", name, err)
	}
	return parse(name, src)
}

// parse reads the text of one file.
func parse(name string, src []byte) (*file, error) {
	if diags := jobspec.Scan(name, src); diags.HasErrors() {
		return nil, &Error{diags}
	}
	var hf *hcl.File
	var diags hcl.Diagnostics
	if strings.HasSuffix(name, ".json") {
		hf, diags = hcljson.Parse(src, name)
	} else {
		hf, diags = hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	}
	out := &file{}
	if !diags.HasErrors() {
		diags = append(diags, gohcl.DecodeBody(hf.Body, nil, out)...)
	}
	if diags.HasErrors() {
		return nil, &Error{jobspec.FromHCL(diags, map[string][]byte{name: src})}
	}
	return out, nil
}

// strings of a block with any attributes.
func (f free) strings() (map[string]string, error) {
	out := map[string]string{}
	names := make([]string, 0, len(f.Rest))
	for k := range f.Rest {
		names = append(names, k)
	}
	slices.Sort(names)
	for _, k := range names {
		var s string
		if diags := gohcl.DecodeExpression(f.Rest[k].Expr, nil, &s); diags.HasErrors() {
			return nil, fmt.Errorf("%s: %s must be a text", f.Rest[k].Range, k)
		}
		out[k] = s
	}
	return out, nil
}
