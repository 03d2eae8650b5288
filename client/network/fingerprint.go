package network

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"berth/client/network/netns"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// The node attributes this package sets.
const (
	attrBridgeName   = "network.bridge.name"
	attrBridgeSubnet = "network.bridge.subnet"
	attrNftVersion   = "network.nftables.version"
	// attrWarning is set when bridge mode works but something on the machine will get in its way.
	attrWarning = "network.bridge.warning"
)

// Fingerprint looks whether allocations in ModeBridge can run here. Each problem is one sentence with its fix; with any
// problem ModeBridge does not work, while ModeHost does. Nothing on the machine is changed: rules are checked and thrown
// away, and interfaces are tried in a namespace that ends at once.
func (m *Manager) Fingerprint(ctx context.Context) (problems []string, attrs map[string]string) {
	attrs = map[string]string{attrBridgeName: m.cfg.Bridge, attrBridgeSubnet: m.cfg.Subnet.String()}
	if os.Geteuid() != 0 {
		return []string{"bridge networking needs root: start the agent as root"}, attrs
	}
	path, err := exec.LookPath("nft")
	if err != nil {
		return []string{"the program nft is not in the PATH: install the package nftables (1.0.1 or newer)"}, attrs
	}
	if out, err := exec.CommandContext(ctx, path, "--version").Output(); err == nil {
		attrs[attrNftVersion] = nftVersion(string(out))
	}
	for _, check := range []func(context.Context) error{m.checkRules, m.checkNamespace, m.checkBridge} {
		if err := check(ctx); err != nil {
			problems = append(problems, err.Error())
		}
	}
	if chains := droppingForwardChains(ctx, path); len(chains) > 0 {
		attrs[attrWarning] = fmt.Sprintf("another firewall drops forwarded packets by default (%s): let the bridge pass there, for example `iptables -I FORWARD -i %s -j ACCEPT` and `iptables -I FORWARD -o %s -j ACCEPT`",
			strings.Join(chains, ", "), m.cfg.Bridge, m.cfg.Bridge)
	}
	return problems, attrs
}

// checkRules lets the kernel judge the tables without putting them in place.
func (m *Manager) checkRules(ctx context.Context) error {
	nft, err := m.rules.open()
	if err != nil {
		return err
	}
	if err := m.rules.checkOwner(ctx); err != nil {
		return err
	}
	tx := nft.NewTransaction()
	m.cfg.addTables(tx, nil)
	if err := nft.Check(ctx, tx); err != nil {
		return fmt.Errorf("the kernel refuses Berth's nftables rules (%s): load the modules nft_nat, nft_masq, nft_fib_inet, nft_ct and nf_conntrack", firstLine(err))
	}
	return nil
}

// checkNamespace tries namespace, veth and bridge where nobody sees them.
func (m *Manager) checkNamespace(context.Context) error {
	return netns.OnOwnThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("the kernel refuses a network namespace (%w): it needs CONFIG_NET_NS, and the agent CAP_SYS_ADMIN", err)
		}
		attrs := netlink.NewLinkAttrs()
		attrs.Name = "probe0"
		if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: attrs}); err != nil {
			return fmt.Errorf("the kernel refuses a bridge (%w): load the module bridge", err)
		}
		attrs.Name = "probe1"
		if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "probe2"}); err != nil {
			return fmt.Errorf("the kernel refuses a veth pair (%w): load the module veth", err)
		}
		return nil
	})
}

// checkBridge looks whether name and subnet of the bridge are free, or Berth's already.
func (m *Manager) checkBridge(context.Context) error {
	bridge, err := m.cfg.findBridge()
	if err != nil || bridge != nil {
		return err
	}
	return m.cfg.checkOverlap(&netlink.Bridge{})
}

// droppingForwardChains names the base chains of others in the forward hook whose policy is drop.
func droppingForwardChains(ctx context.Context, nftPath string) []string {
	out, err := exec.CommandContext(ctx, nftPath, "--json", "list", "chains").Output()
	if err != nil {
		return nil
	}
	return parseDroppingForward(out)
}

func parseDroppingForward(listing []byte) []string {
	var doc struct {
		Nftables []struct {
			Chain struct{ Family, Table, Name, Hook, Policy string }
		}
	}
	if json.Unmarshal(listing, &doc) != nil {
		return nil
	}
	var out []string
	for _, entry := range doc.Nftables {
		if c := entry.Chain; c.Hook == "forward" && c.Policy == "drop" && (c.Family == "ip" || c.Family == "inet") {
			out = append(out, fmt.Sprintf("chain %s of table %s %s", c.Name, c.Family, c.Table))
		}
	}
	return out
}

// nftVersion takes "1.0.6" out of "nftables v1.0.6 (Lester Gooch #5)".
func nftVersion(text string) string {
	for _, word := range strings.Fields(text) {
		if rest, ok := strings.CutPrefix(word, "v"); ok && rest != "" {
			return rest
		}
	}
	return strings.TrimSpace(text)
}

// firstLine keeps nft's long answers to one line.
func firstLine(err error) string {
	line, _, _ := strings.Cut(strings.TrimSpace(err.Error()), "\n")
	return line
}
