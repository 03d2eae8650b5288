package network

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"strings"
)

// resolvConf is what a resolv.conf says, in order.
type resolvConf struct {
	servers, searches, options []string
}

// parseResolvConf reads the directives the resolver library knows; the last search or domain line counts.
func parseResolvConf(r io.Reader) (resolvConf, error) {
	var out resolvConf
	scanner := bufio.NewScanner(io.LimitReader(r, 1<<20))
	for scanner.Scan() {
		line := scanner.Text()
		if i := strings.IndexAny(line, "#;"); i >= 0 {
			line = line[:i]
		}
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		switch fields[0] {
		case "nameserver":
			// An address may carry a zone (fe80::1%eth0), which means nothing in another namespace.
			if addr, err := netip.ParseAddr(fields[1]); err == nil && addr.Zone() == "" {
				out.servers = append(out.servers, addr.String())
			}
		case "search", "domain":
			out.searches = fields[1:]
		case "options":
			out.options = append(out.options, fields[1:]...)
		}
	}
	return out, scanner.Err()
}

// hasLoopback reports whether a server is only reachable from the machine's own namespace.
func (r resolvConf) hasLoopback() bool {
	for _, s := range r.servers {
		if addr, err := netip.ParseAddr(s); err == nil && addr.Unmap().IsLoopback() {
			return true
		}
	}
	return false
}

// render writes the file. note becomes a comment.
func (r resolvConf) render(note string) string {
	var b strings.Builder
	b.WriteString("# Written by Berth; changes are lost.\n")
	if note != "" {
		b.WriteString("# " + note + "\n")
	}
	if len(r.searches) > 0 {
		b.WriteString("search " + strings.Join(r.searches, " ") + "\n")
	}
	for _, s := range r.servers {
		b.WriteString("nameserver " + s + "\n")
	}
	if len(r.options) > 0 {
		b.WriteString("options " + strings.Join(r.options, " ") + "\n")
	}
	return b.String()
}

// resolvConfFor builds an allocation's file. host and upstream are the machine's own file and the one in which a local
// stub resolver tells its real servers (nil when there is none). The note is a sentence for the user, or "".
func resolvConfFor(req Request, host resolvConf, upstream *resolvConf) (text, note string) {
	use := host
	if req.Mode != ModeHost && host.hasLoopback() {
		if upstream != nil && len(upstream.servers) > 0 && !upstream.hasLoopback() {
			use.servers = upstream.servers
		} else if len(req.DNS.Servers) == 0 {
			note = "The machine's resolver " + strings.Join(host.servers, ", ") +
				" is on its loopback, which cannot be reached from here: give servers in the job's network dns block."
		}
	}
	if len(req.DNS.Servers) > 0 {
		use.servers = req.DNS.Servers
	}
	if len(req.DNS.Searches) > 0 {
		use.searches = req.DNS.Searches
	}
	if len(req.DNS.Options) > 0 {
		use.options = req.DNS.Options
	}
	return use.render(note), note
}

// hostsFor builds an allocation's hosts file. ip is invalid outside ModeBridge: the hostname then is on loopback.
func hostsFor(req Request, ip netip.Addr) string {
	var b strings.Builder
	b.WriteString("# Written by Berth; changes are lost.\n127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n")
	if req.Hostname != "" {
		addr := "127.0.1.1"
		if ip.IsValid() {
			addr = ip.String()
		}
		names := req.Hostname
		if short, _, dotted := strings.Cut(req.Hostname, "."); dotted && short != "" {
			names += " " + short
		}
		fmt.Fprintf(&b, "%s %s\n", addr, names)
	}
	for _, name := range sortedKeys(req.ExtraHosts) {
		fmt.Fprintf(&b, "%s %s\n", req.ExtraHosts[name], name)
	}
	return b.String()
}

// readResolvConf reads a file; nil without error when there is none.
func readResolvConf(path string) (*resolvConf, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the machine's resolver configuration: %w", err)
	}
	defer f.Close()
	out, err := parseResolvConf(f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return &out, nil
}

// writeFile replaces a file so that a reader sees the old or the new one. Why rename only when the content changed: a
// file that is bind-mounted into a running task must stay the same file.
func writeFile(path, content string) error {
	if have, err := os.ReadFile(path); err == nil && string(have) == content {
		return nil
	}
	tmp := path + ".new"
	if err := os.WriteFile(tmp, []byte(content), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
