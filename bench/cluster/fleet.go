package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sync/errgroup"

	"berth/agent/remote"
	"berth/bench/placing"
	"berth/e2e/harness"
	"berth/internal/idgen"
	"berth/internal/pki"
	"berth/internal/transport"
	"berth/structs"
)

var tokenLine = regexp.MustCompile(`-join-token=(berth-join-server-\S+)`)

// fleet is simulated nodes: they registered, and then say no more than they are made to.
type fleet struct {
	servers *remote.Servers
	nodes   []*structs.Node
	cancel  context.CancelFunc
	done    chan error
}

// addNodes joins as a machine that may speak for any node, and registers some.
func (k *cluster) addNodes(ctx context.Context, n int) (_ *fleet, err error) {
	m := tokenLine.FindStringSubmatch(k.agents[0].Log())
	if m == nil {
		return nil, errors.New("the first server told no token")
	}
	token, err := pki.ParseToken(m[1])
	if err != nil {
		return nil, err
	}
	const own = 0 // the machine the fleet is on
	dial := dialFrom(k.lan.Hosts[own])
	id := idgen.Random().NewID()
	joined, err := transport.Join(ctx, transport.JoinConfig{Token: token, ID: id, Dial: dial})
	if err != nil {
		return nil, fmt.Errorf("join for the nodes: %w", err)
	}
	t, err := transport.New(transport.Config{Credentials: pki.NewSource(joined.Credentials), ID: id, Role: pki.RoleServer, Region: joined.Credentials.ID.Region,
		Dial: dial, Logger: hclog.NewNullLogger()})
	if err != nil {
		return nil, err
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &fleet{servers: remote.NewServers(t.RoundTripper(), joined.Servers), cancel: cancel, done: make(chan error, 1)}
	go func() { f.done <- t.Run(run) }()
	k.fleets = append(k.fleets, f)
	ids := idgen.Seeded(11)
	for i := range n {
		f.nodes = append(f.nodes, placing.Node(ids, i))
	}
	return f, f.each(ctx, func(ctx context.Context, n *structs.Node) error {
		_, err := f.servers.Register(ctx, &structs.NodeRegisterRequest{Node: n})
		return err
	})
}

func dialFrom(h *harness.Host) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, addr string) (net.Conn, error) { return h.Dial(ctx, "tcp", addr) }
}

// each does something for every node, for some at a time.
func (f *fleet) each(ctx context.Context, do func(context.Context, *structs.Node) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(32)
	for _, n := range f.nodes {
		g.Go(func() error { return do(ctx, n) })
	}
	return g.Wait()
}

// end reports allocations as complete, each by its node.
func (f *fleet) end(ctx context.Context, byNode map[structs.ID][]structs.ID) error {
	return f.each(ctx, func(ctx context.Context, n *structs.Node) error {
		req := &structs.NodeUpdateAllocsRequest{NodeID: n.ID, SecretID: n.SecretID}
		for _, id := range byNode[n.ID] {
			req.Updates = append(req.Updates, &structs.AllocClientUpdate{ID: id, NodeID: n.ID, ClientStatus: structs.AllocClientComplete})
		}
		if len(req.Updates) == 0 {
			return nil
		}
		return f.servers.UpdateAllocs(ctx, req)
	})
}

func (f *fleet) close() error {
	f.cancel()
	if err := <-f.done; err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// ms is for figures.
func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
