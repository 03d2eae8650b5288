// Package network gives each allocation its network: a namespace, a veth pair, an address, published ports, and the
// resolv.conf and hosts files its tasks see. It is made in this process with netlink and nftables; no plugin is executed.
//
// Owns: one bridge, the veth ports on it, one nftables table name (families inet and bridge), the namespaces bind-mounted
// under NetNSDir/<bridge>, and the folders under StateDir. Everything is marked: the bridge by its hardware address and
// alias, a veth by its name (a hash) and its alias (the whole allocation id), the tables by a chain that names the bridge,
// each map element by a comment with the allocation id. What is not marked is never changed or removed.
//
// Never does: choose ports (the scheduler does), start or stop processes, read a job. It turns net.ipv4.ip_forward on and
// leaves it on, because someone else may have come to need it.
//
// Called by: the client's allocation runner (Setup, Teardown), its start and its janitor (Sync, List, Explain), its
// watch (Watch), its fingerprint, and the end of an agent in -dev mode (RemoveAll).
//
// Goroutines: none outlive a call; Watch is a loop that its caller runs. A call that must work inside another network
// namespace runs that part on an operating system thread of its own (package netns) and waits for it.
//
// Other firewalls: Berth accepts forwarded packets of its bridge in its own chain, but in netfilter an accept in one base
// chain does not overrule a drop in another. Where another firewall drops by default in the forward hook (Docker does),
// its rules must let the bridge pass; Fingerprint says so when it sees one.
//
// Invariants:
//   - an address or a host port belongs to at most one allocation of a Manager;
//   - a record is on disk before the kernel is touched for an allocation, and goes last, so that nothing is ever lost;
//   - Setup leaves everything or nothing; Teardown and Sync may be repeated at any point of failure;
//   - the cost in nftables of one more allocation does not grow with the number of allocations.
package network
