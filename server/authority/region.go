package authority

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"berth/internal/pki"
	"berth/internal/transport"
	"berth/state"
	"berth/structs"
)

// RegionPath is where a server of another region tells what changed there.
const RegionPath = "/v1/internal/region"

// Bounds of what regions tell each other.
const (
	maxRegions    = 64
	maxAddresses  = 16
	maxGossipKeys = 16
	// tellTimeout bounds one attempt to tell another region; tellAgain is how often it is told though nothing changed.
	// Within tellLook of a change of addresses or keys they are told.
	tellTimeout = 10 * time.Second
	tellAgain   = 5 * time.Minute
	tellLook    = 10 * time.Second
)

// gossipPurpose is what gossip keys of other regions are sealed for.
const gossipPurpose = "gossip keys of a region"

// regions travels both ways: a region itself, and those it is joined with.
type regions struct {
	Region transport.RegionInfo
	Known  []transport.RegionInfo `json:",omitempty"`
}

// told is what another region was last told, and when.
type told struct {
	text []byte
	at   time.Time
}

// ownRegion is what this region tells of itself.
func (a *Authority) ownRegion(snap *state.Snapshot) (transport.RegionInfo, error) {
	root, err := a.active(snap)
	if err != nil {
		return transport.RegionInfo{}, err
	}
	trusted, err := a.trusted(snap, root)
	if err != nil {
		return transport.RegionInfo{}, err
	}
	first := func(addrs []string) []string {
		out := slices.Clone(addrs)
		slices.Sort(out) // the same every time: other regions are told of changes alone
		out = slices.Compact(out)
		return out[:min(len(out), maxAddresses)]
	}
	keys := a.cfg.GossipKeys()
	return transport.RegionInfo{Name: a.cfg.Region, Roots: trusted.PEM(), GossipKeys: keys[:min(len(keys), maxGossipKeys)],
		Servers: first(a.cfg.Servers()), Gossip: first(a.cfg.Gossip())}, nil
}

// Regions are the other regions this one is joined with, by name.
func (a *Authority) Regions(snap *state.Snapshot) ([]transport.RegionInfo, error) {
	var out []transport.RegionInfo
	var faults []error
	for r := range snap.Regions() {
		if r.Forgotten {
			continue
		}
		info, err := a.info(r)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		out = append(out, info)
	}
	return out, errors.Join(faults...)
}

func (a *Authority) info(r *structs.Region) (transport.RegionInfo, error) {
	info := transport.RegionInfo{Name: r.Name, Servers: r.Servers, Gossip: r.Gossip}
	certs, err := pki.ParseDER(r.Roots)
	if err != nil {
		return info, fmt.Errorf("read the roots of region %q: %w", r.Name, err)
	}
	info.Roots = pki.EncodeChain(certs)
	plain, err := a.cfg.Key.Open(gossipPurpose, r.SealedKeys, []byte(r.Name))
	if err == nil {
		err = json.Unmarshal(plain, &info.GossipKeys)
	}
	if err != nil {
		return info, fmt.Errorf("open the gossip keys of region %q: %w", r.Name, err)
	}
	return info, nil
}

// stored is a region as the state keeps it.
func (a *Authority) stored(info transport.RegionInfo, via string) (*structs.Region, error) {
	r := &structs.Region{Name: info.Name, Servers: info.Servers, Gossip: info.Gossip, Via: via}
	roots, err := pki.ParseBundle(info.Roots)
	if err != nil {
		return nil, err
	}
	for _, c := range roots.Roots() {
		r.Roots = append(r.Roots, c.Raw)
	}
	plain, err := json.Marshal(info.GossipKeys)
	if err != nil {
		return nil, err
	}
	r.SealedKeys, err = a.cfg.Key.Seal(gossipPurpose, plain, []byte(info.Name))
	return r, err
}

// checkRegion judges what another region told.
func checkRegion(info transport.RegionInfo) error {
	invalid := func(format string, args ...any) error {
		return &structs.Error{Op: "join region", Subject: fmt.Sprintf("%q", info.Name), Kind: structs.KindInvalid, Err: fmt.Errorf(format, args...)}
	}
	if err := pki.CheckRegion(info.Name); err != nil {
		return invalid("%w", err)
	}
	if _, err := pki.ParseBundle(info.Roots); err != nil {
		return invalid("%w", err)
	}
	if len(info.Servers) > maxAddresses || len(info.Gossip) > maxAddresses || len(info.GossipKeys) > maxGossipKeys {
		return invalid("it names more than %d addresses or %d keys", maxAddresses, maxGossipKeys)
	}
	for _, key := range info.GossipKeys {
		if n := len(key); n != 16 && n != 24 && n != 32 {
			return invalid("a key of its gossip has %d bytes: 16, 24 or 32 are possible", n)
		}
	}
	for _, addr := range slices.Concat(info.Servers, info.Gossip) {
		if err := pki.CheckAddress(addr); err != nil {
			return invalid("%w", err)
		}
	}
	return nil
}

// joined takes in a region that came with a token. Only on the leader.
func (a *Authority) joined(ctx context.Context, req *transport.JoinRequest) (*transport.JoinResponse, error) {
	info := *req.Region
	deny := func(kind structs.ErrorKind, hint, format string, args ...any) (*transport.JoinResponse, error) {
		return nil, &structs.Error{Op: "join region", Subject: fmt.Sprintf("%q", info.Name), Kind: kind, Err: fmt.Errorf(format, args...), Hint: hint}
	}
	if err := checkRegion(info); err != nil {
		return nil, err
	}
	if info.Name == a.cfg.Region {
		return deny(structs.KindConflict, "a cluster keeps the region it was formed with: form the other one anew with another -region", "both clusters are region %q", info.Name)
	}
	chain, err := pki.ParseDER(req.Shown)
	if err != nil {
		return deny(structs.KindUnauthorised, "", "its server shows no certificate: %w", err)
	}
	roots, err := pki.ParseBundle(info.Roots)
	if err != nil {
		return nil, err
	}
	id, err := roots.Verify(chain, a.cfg.Now())
	if err != nil {
		return nil, err
	}
	if id.Region != info.Name || id.Role != pki.RoleServer {
		return deny(structs.KindUnauthorised, "", "the certificate it shows is that of %s", id)
	}
	snap := a.cfg.Host.State().Snapshot()
	if n := len(slices.Collect(snap.Regions())); n >= maxRegions && snap.Region(info.Name) == nil {
		return deny(structs.KindLimit, "", "this region knows %d others already", n)
	}
	own, err := a.ownRegion(snap)
	if err != nil {
		return nil, err
	}
	others, err := a.Regions(snap)
	if err != nil {
		return nil, err
	}
	r, err := a.stored(info, "")
	if err != nil {
		return nil, err
	}
	if role, err := a.admit(ctx, req); err != nil {
		return nil, err
	} else if role != pki.RoleRegion {
		return deny(structs.KindInvalid, "`berth operator join-token create -role region` makes one that is", "the token is for a %s, not for a region", role)
	}
	if _, err := a.cfg.Host.Propose(ctx, structs.CmdRegion, &structs.RegionCommand{Regions: []*structs.Region{r}, Anew: true}); err != nil {
		return nil, err
	}
	a.log.Info("a region was joined", "region", info.Name)
	res := &transport.JoinResponse{Region: a.cfg.Region, Regions: []transport.RegionInfo{own}}
	for _, o := range others {
		if o.Name != info.Name {
			res.Regions = append(res.Regions, o)
		}
	}
	return res, nil
}

// JoinRegion joins this region with the one a token is of, and with those that one is joined with; it gives their names. Only on
// the leader.
func (a *Authority) JoinRegion(ctx context.Context, token string) ([]string, error) {
	tok, err := pki.ParseToken(token)
	if err != nil {
		return nil, err
	}
	invalid := func(kind structs.ErrorKind, hint, format string, args ...any) ([]string, error) {
		return nil, &structs.Error{Op: "join a region", Kind: kind, Err: fmt.Errorf(format, args...), Hint: hint}
	}
	if tok.Role != pki.RoleRegion {
		return invalid(structs.KindInvalid, "`berth operator join-token create -role region` on a server of the other region makes one", "the token is for a %s, not for a region", tok.Role)
	}
	if !a.cfg.Host.IsLeader() {
		return invalid(structs.KindNoLeader, "try again in a moment", "this server does not lead")
	}
	snap := a.cfg.Host.State().Snapshot()
	own, err := a.ownRegion(snap)
	if err != nil {
		return nil, err
	}
	roots, err := pki.ParseBundle(own.Roots)
	if err != nil {
		return nil, err
	}
	if roots.Find(tok.CA) != nil {
		return invalid(structs.KindConflict, "run the command on a server of the other region", "the token is of this region, %q, itself", a.cfg.Region)
	}
	creds, err := a.cfg.Source.Current()
	if err != nil {
		return nil, err
	}
	known, err := transport.JoinRegion(ctx, transport.RegionJoin{Token: tok, Own: creds, Region: own,
		JoinConfig: transport.JoinConfig{Dial: a.cfg.Dial, Now: a.cfg.Now}})
	if err != nil {
		return nil, err
	}
	return a.take(ctx, known, "", true)
}

// take stores regions: the first, and those it tells of that are not known.
func (a *Authority) take(ctx context.Context, known []transport.RegionInfo, via string, anew bool) ([]string, error) {
	snap := a.cfg.Host.State().Snapshot()
	var names []string
	cmd := &structs.RegionCommand{Anew: anew}
	for i, info := range known {
		if i > 0 {
			via = known[0].Name
		}
		have := snap.Region(info.Name)
		switch {
		case info.Name == a.cfg.Region && i == 0:
			return nil, &structs.Error{Op: "join region", Subject: fmt.Sprintf("%q", info.Name), Kind: structs.KindConflict, Err: errors.New("both clusters have that name"),
				Hint: "a cluster keeps the region it was formed with: form one anew with another -region"}
		case info.Name == a.cfg.Region, i > 0 && have != nil:
			continue // of itself a region tells alone
		}
		if err := checkRegion(info); err != nil {
			return nil, err
		}
		r, err := a.stored(info, via)
		if err != nil {
			return nil, err
		}
		if names = append(names, info.Name); len(names) > maxRegions {
			return nil, &structs.Error{Op: "join regions", Kind: structs.KindLimit, Err: fmt.Errorf("they are more than %d", maxRegions)}
		}
		cmd.Regions = append(cmd.Regions, r)
	}
	if len(cmd.Regions) == 0 {
		return nil, nil
	}
	_, err := a.cfg.Host.Propose(ctx, structs.CmdRegion, cmd)
	return names, err
}

// ForgetRegion ends the trust in a region. Only on the leader.
func (a *Authority) ForgetRegion(ctx context.Context, name string) error {
	_, err := a.cfg.Host.Propose(ctx, structs.CmdRegionForget, &structs.NameDeleteCommand{Names: []string{name}})
	return err
}

// ServeRegion answers RegionPath on the leader: a server tells of its own region.
func (a *Authority) ServeRegion(w http.ResponseWriter, r *http.Request) {
	p, ok := transport.PeerOf(r.Context())
	if !ok || p.Role != pki.RoleServer || p.Region == a.cfg.Region {
		http.Error(w, "only servers of other regions tell of them", http.StatusForbidden)
		return
	}
	if !a.cfg.Host.IsLeader() {
		http.Error(w, "this server does not lead", http.StatusServiceUnavailable)
		return
	}
	var req regions
	if err := json.NewDecoder(io.LimitReader(r.Body, maxAnswer)).Decode(&req); err != nil {
		http.Error(w, "the request cannot be read", http.StatusBadRequest)
		return
	}
	if req.Region.Name != p.Region {
		http.Error(w, "a region tells of itself alone", http.StatusForbidden)
		return
	}
	res, err := a.hear(r.Context(), req)
	if err != nil {
		http.Error(w, err.Error(), structs.KindOf(err).HTTPStatus())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(res) // the server that told is gone
}

// hear takes over what a region tells, where it differs from what is known, and gives what this one has to tell.
func (a *Authority) hear(ctx context.Context, from regions) (*regions, error) {
	snap := a.cfg.Host.State().Snapshot()
	have := snap.Region(from.Region.Name)
	if have == nil || have.Forgotten {
		return nil, &structs.Error{Op: "hear of region", Subject: fmt.Sprintf("%q", from.Region.Name), Kind: structs.KindUnauthorised, Err: errors.New("it is not joined with this one")}
	}
	known, err := a.info(have)
	if err != nil { // the key was replaced: what it tells now is as good
		a.log.Warn("a region's record is not readable", "error", err)
	}
	news := from.Known
	if sameRegion(known, from.Region) {
		news = slices.DeleteFunc(slices.Clone(news), func(i transport.RegionInfo) bool { return snap.Region(i.Name) != nil || i.Name == a.cfg.Region })
	}
	if len(news) > 0 || !sameRegion(known, from.Region) {
		names, err := a.take(ctx, append([]transport.RegionInfo{from.Region}, news...), have.Via, false)
		if err != nil {
			return nil, err
		}
		a.log.Info("a region told what changed", "region", from.Region.Name, "regions", names)
		snap = a.cfg.Host.State().Snapshot()
	}
	return a.tale(snap, from.Region.Name)
}

func sameRegion(a, b transport.RegionInfo) bool {
	return a.Name == b.Name && bytes.Equal(a.Roots, b.Roots) && slices.EqualFunc(a.GossipKeys, b.GossipKeys, bytes.Equal) &&
		slices.Equal(a.Servers, b.Servers) && slices.Equal(a.Gossip, b.Gossip)
}

// tale is what this region tells another.
func (a *Authority) tale(snap *state.Snapshot, to string) (*regions, error) {
	own, err := a.ownRegion(snap)
	if err != nil {
		return nil, err
	}
	others, err := a.Regions(snap)
	if err != nil {
		a.log.Warn("not all regions can be told of", "error", err)
	}
	return &regions{Region: own, Known: slices.DeleteFunc(others, func(i transport.RegionInfo) bool { return i.Name == to })}, nil
}

// tell tells every other region what changed here since it was last told: roots above all. Only on the leader.
func (a *Authority) tell(ctx context.Context, snap *state.Snapshot) error {
	others, err := a.Regions(snap)
	faults := []error{err}
	type answered struct {
		text []byte
		res  *regions
		err  error
	}
	answers := make([]answered, len(others))
	var asked sync.WaitGroup
	for i, o := range others {
		tale, err := a.tale(snap, o.Name)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		text, err := json.Marshal(tale)
		if t := a.told[o.Name]; err != nil || bytes.Equal(t.text, text) && a.cfg.Now().Sub(t.at) < tellAgain {
			faults = append(faults, err)
			continue
		}
		asked.Go(func() {
			res, err := a.tellRegion(ctx, o, text)
			answers[i] = answered{text, res, err}
		})
	}
	asked.Wait()
	for i, o := range others {
		switch res := answers[i]; {
		case res.err != nil:
			faults = append(faults, fmt.Errorf("tell region %q what changed: %w", o.Name, res.err))
		case res.res == nil: // it knows already
		case res.res.Region.Name != o.Name:
			faults = append(faults, fmt.Errorf("region %q answers as %q", o.Name, res.res.Region.Name))
		default:
			a.told[o.Name] = told{res.text, a.cfg.Now()}
			_, err := a.hear(ctx, *res.res)
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// tellRegion tells the leader of a region: of its servers the one that takes it.
func (a *Authority) tellRegion(ctx context.Context, o transport.RegionInfo, text []byte) (*regions, error) {
	ctx, cancel := context.WithTimeout(ctx, tellTimeout)
	defer cancel()
	hosts := append(a.cfg.ServersOf(o.Name), o.Servers...)
	err := errors.New("no server of it is known")
	for _, host := range hosts {
		var out *regions
		if out, err = a.tellServer(ctx, transport.InRegion(host, o.Name), text); err == nil {
			return out, nil
		}
	}
	return nil, err
}

func (a *Authority) tellServer(ctx context.Context, host string, text []byte) (*regions, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+host+RegionPath, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	res, err := a.cfg.Peers.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d: %s", res.StatusCode, strings.TrimSpace(string(body)))
	}
	out := &regions{}
	return out, json.Unmarshal(body, out)
}
