package access

import (
	"context"
	"errors"
	"testing"
	"time"

	"berth/acl"
	"berth/state"
	"berth/structs"
)

// cluster is a server's state, and what servers answer.
type cluster struct {
	store *state.Store
	index uint64
	leads bool
	last  time.Duration
	now   time.Time
	on    bool
	later bool // on is so once they answer
	down  bool
	asked int
	from  *State
}

func newCluster() *cluster {
	return &cluster{store: state.New(), leads: true, now: time.Unix(1_700_000_000, 0)}
}

func (c *cluster) State() *state.Store        { return c.store }
func (c *cluster) IsLeader() bool             { return c.leads }
func (c *cluster) LastContact() time.Duration { return c.last }
func (c *cluster) ACL() bool                  { return c.on }
func (c *cluster) clock() time.Time           { return c.now }

func (c *cluster) ResolveToken(ctx context.Context, r *structs.ACLResolveRequest) (*structs.ACLResolveResponse, error) {
	c.asked++
	if c.down {
		return nil, structs.NewError(structs.KindUnavailable, "no server answers")
	}
	c.on = c.on || c.later
	return c.from.Answer(ctx, r.Secret)
}

func (c *cluster) write(f func(t *state.WriteTxn)) {
	c.index++
	t := c.store.Begin(c.index)
	f(t)
	t.Commit()
}

func (c *cluster) policy(name, rules string) {
	c.write(func(t *state.WriteTxn) { t.PutACLPolicy(&structs.ACLPolicy{Name: name, Rules: rules}) })
}

func (c *cluster) token(n byte, kind string, change func(*structs.ACLToken)) string {
	k := &structs.ACLToken{AccessorID: structs.ID{n}, SecretID: structs.ID{1, n}, Type: kind}
	if change != nil {
		change(k)
	}
	c.write(func(t *state.WriteTxn) { t.PutACLToken(k) })
	return k.SecretID.String()
}

const readNodes = `node { policy = "read" }`

// resolvers are both ways to the same state; each row must be so for both.
func (c *cluster) resolvers() map[string]Resolver {
	c.from = NewState(true, 30*time.Second, c, c.clock)
	return map[string]Resolver{"state": c.from, "remote": NewRemote(true, 30*time.Second, c, c.clock)}
}

func refused(t *testing.T, r Resolver, secret, want string) {
	t.Helper()
	if who, err := r.Resolve(t.Context(), secret); err == nil || err.Error() != want || who != nil {
		t.Errorf("%v, %v, want %q", who, err, want)
	}
}

func TestChangesOfTokensAndPoliciesCountWithinASecond(t *testing.T) {
	for _, name := range []string{"state", "remote"} {
		t.Run(name, func(t *testing.T) {
			c := newCluster()
			r := c.resolvers()[name]
			reads := func(secret string, want bool) {
				t.Helper()
				who, err := r.Resolve(t.Context(), secret)
				if err != nil || who.ACL.Node(acl.LevelRead) != want {
					t.Errorf("reads nodes: %+v, %v, want %t", who, err, want)
				}
			}
			c.policy("dev", readNodes)
			secret := c.token(1, structs.TokenClient, func(k *structs.ACLToken) { k.Policies = []string{"dev", "none"} })
			reads(secret, true)
			reads("", false)
			c.policy(structs.ACLAnonymous, readNodes)
			c.now = c.now.Add(time.Second)
			reads("", true)
			c.policy("dev", `agent { policy = "read" }`)
			c.now = c.now.Add(time.Second)
			reads(secret, false)
			role := &structs.ACLRole{ID: structs.ID{9}, Name: "devs", Policies: []*structs.ACLRolePolicy{{Name: structs.ACLAnonymous}}}
			c.write(func(t *state.WriteTxn) { t.PutACLRole(role) })
			viaRole := c.token(2, structs.TokenClient, func(k *structs.ACLToken) {
				k.Roles = []*structs.ACLTokenRole{{ID: role.ID}}
				k.ExpirationTime = new(c.now.Add(10 * time.Second))
			})
			reads(viaRole, true)
			manager := c.token(3, structs.TokenManagement, nil)
			if who, err := r.Resolve(t.Context(), manager); err != nil || !who.ACL.IsManagement() || who.Token.AccessorID != (structs.ID{3}) {
				t.Errorf("a manager: %+v, %v", who, err)
			}
			c.now = c.now.Add(10 * time.Second)
			refused(t, r, viaRole, "ACL token expired")
			c.write(func(t *state.WriteTxn) { t.DeleteACLToken(structs.ID{1}) })
			refused(t, r, secret, "ACL token not found")
			refused(t, r, structs.ID{7}.String(), "ACL token not found")
			refused(t, r, "nonsense", "ACL token not found")
			c.write(func(t *state.WriteTxn) {
				t.PutACLPolicy(&structs.ACLPolicy{Name: structs.ACLAnonymous, Rules: "of a later version {}"})
			})
			c.now = c.now.Add(time.Second)
			if _, err := r.Resolve(t.Context(), ""); err == nil {
				t.Error("a policy that cannot be read allows something")
			}
		})
	}
}

func TestWhoHearsOfNoLeaderBelievesForAWhile(t *testing.T) {
	c := newCluster()
	both := c.resolvers()
	c.policy("dev", readNodes)
	secret := c.token(1, structs.TokenClient, func(k *structs.ACLToken) {
		k.Policies = []string{"dev"}
		k.ExpirationTime = new(c.now.Add(20 * time.Second))
	})
	other := c.token(2, structs.TokenClient, func(k *structs.ACLToken) { k.Policies = []string{"dev"} })
	manager := c.token(3, structs.TokenManagement, nil)
	for name, r := range both {
		for _, s := range []string{secret, other, manager} {
			if _, err := r.Resolve(t.Context(), s); err != nil {
				t.Fatal(name, err)
			}
		}
	}
	began := c.now
	c.leads, c.down = false, true
	c.now, c.last = began.Add(10*time.Second), 10*time.Second
	for name, r := range both {
		if _, err := r.Resolve(t.Context(), secret); err != nil {
			t.Error(name, "after 10 s:", err)
		}
	}
	c.now, c.last = began.Add(21*time.Second), 21*time.Second
	for _, r := range both { // expiry needs nobody to be asked
		refused(t, r, secret, "ACL token expired")
	}
	c.now, c.last = began.Add(31*time.Second), 31*time.Second
	for name, r := range both {
		if _, err := r.Resolve(t.Context(), other); structs.KindOf(errors.Unwrap(err)) != structs.KindUnavailable && structs.KindOf(err) != structs.KindUnavailable {
			t.Error(name, "after 31 s:", err)
		}
	}
	if _, err := both["state"].Resolve(t.Context(), manager); err != nil {
		t.Error("a manager cannot look at a server that is cut off:", err)
	}
	if _, err := both["remote"].Resolve(t.Context(), manager); err == nil {
		t.Error("a node believes a manager for ever")
	}
	// A server that lags does not answer for others.
	if _, err := c.from.Answer(t.Context(), other); structs.KindOf(err) != structs.KindUnavailable {
		t.Error("a server that hears of no leader answers:", err)
	}
}

func TestARestoredStateIsAnother(t *testing.T) {
	c := newCluster()
	r := c.resolvers()["state"]
	secret := c.token(1, structs.TokenManagement, nil)
	if _, err := r.Resolve(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	var indexes [state.TableCount]uint64
	indexes[state.TableACLTokens] = c.store.Snapshot().TableIndex(state.TableACLTokens)
	put := func(kind string) {
		txn := c.store.BeginRestore(c.index, indexes)
		if kind != "" {
			txn.PutACLToken(&structs.ACLToken{AccessorID: structs.ID{1}, SecretID: structs.ID{1, 1}, Type: kind, Policies: []string{"none"}})
		}
		txn.Commit()
	}
	put(structs.TokenClient)
	if who, err := r.Resolve(t.Context(), secret); err != nil || who.ACL.IsManagement() {
		t.Errorf("a manager of the state before: %+v, %v", who, err)
	}
	put("")
	refused(t, r, secret, "ACL token not found")
}

// A state that was restored may have the same index and another policy for callers without a token.
func TestARestoredStateHasItsOwnPolicyForEverybody(t *testing.T) {
	c := newCluster()
	r := c.resolvers()["state"]
	c.policy(structs.ACLAnonymous, readNodes)
	who, err := r.Resolve(t.Context(), "")
	if err != nil || !who.ACL.Node(acl.LevelRead) {
		t.Fatalf("%+v, %v", who, err)
	}
	var indexes [state.TableCount]uint64
	indexes[state.TableACLPolicies] = c.store.Snapshot().TableIndex(state.TableACLPolicies)
	txn := c.store.BeginRestore(c.index, indexes)
	txn.PutACLPolicy(&structs.ACLPolicy{Name: structs.ACLAnonymous, Rules: `agent { policy = "read" }`})
	txn.Commit()
	if who, err = r.Resolve(t.Context(), ""); err != nil || who.ACL.Node(acl.LevelRead) {
		t.Errorf("callers without a token may what the state before said: %v", err)
	}
}

// A server that has never heard of a leader believes nobody but a manager.
func TestAServerThatHasHeardOfNoLeaderBelievesNobody(t *testing.T) {
	c := newCluster()
	r := c.resolvers()["state"]
	c.policy("dev", readNodes)
	secret := c.token(1, structs.TokenClient, func(k *structs.ACLToken) { k.Policies = []string{"dev"} })
	c.leads, c.last = false, -1
	if _, err := r.Resolve(t.Context(), secret); structs.KindOf(err) != structs.KindUnavailable {
		t.Errorf("%v", err)
	}
}

// What a token may is looked up anew when a role of it changed, also for a caller that did not ask meanwhile; what is told of a token has no
// secret, and what was refused once is not believed again.
func TestAnAnswerIsOfTheStateAsItIs(t *testing.T) {
	c := newCluster()
	r := c.resolvers()["state"]
	c.policy("dev", readNodes)
	role := func(policies ...*structs.ACLRolePolicy) {
		c.write(func(t *state.WriteTxn) {
			t.PutACLRole(&structs.ACLRole{ID: structs.ID{9}, Name: "devs", Policies: policies})
		})
	}
	role(&structs.ACLRolePolicy{Name: "dev"})
	secret := c.token(1, structs.TokenClient, func(k *structs.ACLToken) { k.Roles = []*structs.ACLTokenRole{{ID: structs.ID{9}}} })
	other := c.token(2, structs.TokenClient, func(k *structs.ACLToken) { k.Policies = []string{"dev"} })
	may := func(secret string, want bool) {
		t.Helper()
		if who, err := r.Resolve(t.Context(), secret); err != nil || who.ACL.Node(acl.LevelRead) != want {
			t.Errorf("%+v, %v, want %t", who, err, want)
		}
	}
	may(secret, true)
	may(other, true)
	role()
	may(other, true) // another caller asks first
	may(secret, false)
	c.policy("dev", `agent { policy = "read" }`)
	may(secret, false)
	may(other, false)
	if told, err := c.from.Answer(t.Context(), secret); err != nil || told.Token.AccessorID != (structs.ID{1}) || !told.Token.SecretID.IsZero() {
		t.Errorf("told %+v, %v", told, err)
	}
	remote := NewRemote(true, time.Hour, c, c.clock)
	if _, err := remote.Resolve(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	c.write(func(t *state.WriteTxn) { t.DeleteACLToken(structs.ID{2}) })
	c.now = c.now.Add(2 * fresh)
	refused(t, remote, other, "ACL token not found")
	c.down = true
	if who, err := remote.Resolve(t.Context(), other); err == nil {
		t.Errorf("believed again: %+v", who)
	}
}

// A server that has heard of no leader for a moment tells other agents nothing, long before it stops to believe what it knows.
func TestAServerThatLagsAnswersNobodyElse(t *testing.T) {
	c := newCluster()
	r := c.resolvers()["state"]
	secret := c.token(1, structs.TokenManagement, nil)
	c.leads, c.last = false, 2*fresh
	if _, err := r.Resolve(t.Context(), secret); err != nil {
		t.Error(err)
	}
	if _, err := c.from.Answer(t.Context(), secret); structs.KindOf(err) != structs.KindUnavailable {
		t.Errorf("answered: %v", err)
	}
}

// Guessed secrets take no memory without end.
func TestIdentitiesThatAreKeptAreBounded(t *testing.T) {
	c := newCluster()
	c.resolvers()
	remote := NewRemote(true, time.Hour, c, c.clock)
	who := &Identity{ACL: acl.Management()}
	for n := range 2 * maxKept {
		key := structs.HashSecret(structs.ID{byte(n), byte(n >> 8)})
		c.from.keep(1, key, who)
		remote.keep(key, heard{who: who})
	}
	if len(c.from.kept) > maxKept || len(remote.kept) > maxKept {
		t.Errorf("%d and %d are kept", len(c.from.kept), len(remote.kept))
	}
}

func TestANodeAsksAtMostTwiceASecondForEachToken(t *testing.T) {
	c := newCluster()
	r := c.resolvers()["remote"]
	secret := c.token(3, structs.TokenManagement, nil)
	for range 100 {
		if _, err := r.Resolve(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
		c.now = c.now.Add(10 * time.Millisecond)
	}
	if c.asked > 3 {
		t.Errorf("asked %d times in a second", c.asked)
	}
}

func TestWhoTurnsAccessControlOn(t *testing.T) {
	c := newCluster()
	c.from = NewState(false, time.Second, c, c.clock)
	r := NewRemote(false, time.Second, c, c.clock)
	if r.Enabled() || c.from.Enabled() {
		t.Error("on without anybody's wish")
	}
	c.on = true
	if !r.Enabled() {
		t.Error("a node does not do as its servers")
	}
	if who, err := r.Resolve(t.Context(), ""); err != nil || !who.ACL.IsManagement() {
		t.Errorf("servers without access control: %+v, %v", who, err)
	}
	if !NewRemote(true, time.Second, newCluster(), c.clock).Enabled() {
		t.Error("a node does not do as it was set")
	}
}

// TestANodeHearsOfAccessControlThatIsSwitchedOn: half a second after its servers were, and not at its next heartbeat. It does not ask for every
// request, and seldom where nobody answers.
func TestANodeHearsOfAccessControlThatIsSwitchedOn(t *testing.T) {
	c := newCluster()
	c.from = NewState(false, time.Second, c, c.clock)
	r := NewRemote(false, time.Second, c, c.clock)
	for range 100 {
		if r.Enabled() {
			t.Fatal("on without anybody's wish")
		}
	}
	if c.asked != 1 {
		t.Errorf("asked %d times in one moment", c.asked)
	}
	c.down = true
	for range 20 {
		c.now = c.now.Add(fresh)
		if r.Enabled() {
			t.Fatal("on while nobody answers")
		}
	}
	if c.asked != 2 {
		t.Errorf("asked %d times in ten seconds in which nobody answers", c.asked-1)
	}
	c.down, c.later, c.now = false, true, c.now.Add(lookRest)
	if !r.Enabled() {
		t.Error("the servers have it on, and the node lets everybody in")
	}
}

func BenchmarkResolve(b *testing.B) {
	c := newCluster()
	r := c.resolvers()["state"]
	c.policy("dev", readNodes)
	secret := c.token(1, structs.TokenClient, func(k *structs.ACLToken) { k.Policies = []string{"dev"} })
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Resolve(context.Background(), secret); err != nil {
			b.Fatal(err)
		}
	}
}
