package network

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/knftables"
)

// ruleChain is one chain of a table with its rules in order, as data: the same list is applied, checked and explained.
type ruleChain struct {
	family   knftables.Family
	name     string
	kind     knftables.BaseChainType
	hook     knftables.BaseChainHook
	priority knftables.BaseChainPriority
	comment  string
	rules    []string
}

// ownerChain is the name of the empty chain that marks the tables as Berth's for this bridge. Why a chain: nft before
// 1.0.8 does not show a table's comment in its lists.
func ownerChain(bridge string) string { return ownerChainPrefix + bridge }

const ownerChainPrefix = "berth_bridge_"

// staticChains are the rules that do not depend on any allocation.
func (c Config) staticChains() []ruleChain {
	br, subnet := strconv.Quote(c.Bridge), c.Subnet.String()
	chains := []ruleChain{
		{family: knftables.InetFamily, name: ownerChain(c.Bridge), comment: "owner mark, holds no rules"},
		{family: knftables.InetFamily, name: "portmap", comment: "published ports", rules: []string{
			"dnat ip to ip daddr . meta l4proto . th dport map @" + mapPortsAddr,
			"fib daddr type local dnat ip to meta l4proto . th dport map @" + mapPortsAny,
		}},
		{family: knftables.InetFamily, name: "dnat_prerouting", kind: knftables.NATType, hook: knftables.PreroutingHook, priority: "-100",
			rules: []string{"meta nfproto ipv4 meta l4proto { tcp, udp } jump portmap"}},
		{family: knftables.InetFamily, name: "dnat_output", kind: knftables.NATType, hook: knftables.OutputHook, priority: "-100",
			rules: []string{"meta nfproto ipv4 meta l4proto { tcp, udp } jump portmap"}},
		{family: knftables.InetFamily, name: "outgoing", kind: knftables.NATType, hook: knftables.PostroutingHook, priority: "100", rules: []string{
			// To the outside.
			fmt.Sprintf("ip saddr %s oifname != %s ip daddr != { %s, 224.0.0.0/4 } masquerade", subnet, br, subnet),
			// To a published port of the same bridge: the answer must come back this way to be translated.
			fmt.Sprintf("ip saddr %s oifname %s ct status dnat masquerade", subnet, br),
			// From this machine's loopback: an allocation cannot answer 127.0.0.1.
			fmt.Sprintf("oifname %s ip saddr 127.0.0.0/8 masquerade", br),
		}},
		{family: knftables.InetFamily, name: "guard", kind: knftables.FilterType, hook: knftables.PreroutingHook, priority: "-300", rules: []string{
			// route_localnet is on for the bridge, so that published ports work on 127.0.0.1; this closes what it opens.
			fmt.Sprintf("iifname %s ip daddr 127.0.0.0/8 drop", br),
		}},
		{family: knftables.InetFamily, name: "input", kind: knftables.FilterType, hook: knftables.InputHook, priority: "0", rules: c.inputRules(br)},
		{family: knftables.InetFamily, name: "forward", kind: knftables.FilterType, hook: knftables.ForwardHook, priority: "0", rules: c.forwardRules(br)},
		{family: knftables.BridgeFamily, name: ownerChain(c.Bridge), comment: "owner mark, holds no rules"},
		{family: knftables.BridgeFamily, name: "sender", comment: "an allocation sends with its own addresses only", rules: []string{
			"iifname . ether saddr . ip saddr @" + setEndpoints + " accept",
			"iifname . arp saddr ether . arp saddr ip @" + setEndpoints + " accept",
			"drop",
		}},
		{family: knftables.BridgeFamily, name: "guard", kind: knftables.FilterType, hook: knftables.PreroutingHook, priority: "-300",
			rules: []string{"iifname @" + setVeths + " jump sender"}},
	}
	return chains
}

func (c Config) inputRules(br string) []string {
	if len(c.AgentPorts) == 0 {
		return nil
	}
	ports := slices.Clone(c.AgentPorts)
	slices.Sort(ports)
	var words []string
	for _, p := range slices.Compact(ports) {
		words = append(words, strconv.Itoa(int(p)))
	}
	return []string{fmt.Sprintf("iifname %s tcp dport { %s } reject with tcp reset", br, strings.Join(words, ", "))}
}

func (c Config) forwardRules(br string) []string {
	var rules []string
	if !c.AllowMetadata {
		rules = append(rules,
			// Why DNS: on some clouds the resolver has the metadata service's address.
			fmt.Sprintf("iifname %s ip daddr 169.254.169.254 meta l4proto { tcp, udp } th dport 53 accept", br),
			fmt.Sprintf("iifname %s ip daddr 169.254.169.254 reject with icmp admin-prohibited", br))
	}
	return append(rules,
		fmt.Sprintf("iifname %s oifname %s accept", br, br),
		fmt.Sprintf("oifname %s ct state established,related accept", br),
		fmt.Sprintf("oifname %s ct status dnat accept", br),
		// Nobody outside reaches an unpublished port, and another bridge's allocations are outside.
		fmt.Sprintf("oifname %s drop", br))
}

// addTables writes both tables from nothing: what was there under the name is replaced in the same transaction.
func (c Config) addTables(tx *knftables.Transaction, elements map[string][]element) {
	for _, family := range []knftables.Family{knftables.InetFamily, knftables.BridgeFamily} {
		table := &knftables.Table{Family: family, Name: c.Table}
		tx.Add(table)
		tx.Delete(table)
		tx.Add(&knftables.Table{Family: family, Name: c.Table, Comment: new("Berth allocation networking, bridge " + c.Bridge)})
	}
	tx.Add(&knftables.Map{Family: knftables.InetFamily, Table: c.Table, Name: mapPortsAddr, Type: "ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service"})
	tx.Add(&knftables.Map{Family: knftables.InetFamily, Table: c.Table, Name: mapPortsAny, Type: "inet_proto . inet_service : ipv4_addr . inet_service"})
	tx.Add(&knftables.Set{Family: knftables.BridgeFamily, Table: c.Table, Name: setVeths, Type: "ifname"})
	tx.Add(&knftables.Set{Family: knftables.BridgeFamily, Table: c.Table, Name: setEndpoints, Type: "ifname . ether_addr . ipv4_addr"})
	for _, chain := range c.staticChains() {
		chain.add(tx, c.Table)
	}
	for _, allocID := range sortedKeys(elements) {
		for _, e := range elements[allocID] {
			tx.Add(e.object(c.Table, allocID))
		}
	}
}

// deleteTables removes both tables, whether or not they exist.
func (c Config) deleteTables(tx *knftables.Transaction) {
	for _, family := range []knftables.Family{knftables.InetFamily, knftables.BridgeFamily} {
		tx.Add(&knftables.Table{Family: family, Name: c.Table})
		tx.Delete(&knftables.Table{Family: family, Name: c.Table})
	}
}

func (rc ruleChain) add(tx *knftables.Transaction, table string) {
	chain := &knftables.Chain{Family: rc.family, Table: table, Name: rc.name}
	if rc.comment != "" {
		chain.Comment = &rc.comment
	}
	if rc.hook != "" {
		chain.Type, chain.Hook, chain.Priority = &rc.kind, &rc.hook, &rc.priority
		chain.Policy = new(knftables.AcceptPolicy)
	}
	tx.Add(chain)
	for _, rule := range rc.rules {
		tx.Add(&knftables.Rule{Family: rc.family, Table: table, Chain: rc.name, Rule: rule})
	}
}
