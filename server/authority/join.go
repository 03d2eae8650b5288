package authority

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"berth/internal/pki"
	"berth/internal/transport"
	"berth/structs"
)

// JoinPath is where a follower passes on the machines that ask it.
const JoinPath = "/v1/internal/join"

// maxAnswer bounds what the leader answers there, in bytes.
const maxAnswer = 1 << 20

// Join lets a machine join, or does not. On a follower the leader decides.
func (a *Authority) Join(ctx context.Context, req *transport.JoinRequest) (*transport.JoinResponse, error) {
	if !a.cfg.Host.IsLeader() {
		return a.askLeader(ctx, req)
	}
	if req.ID.IsZero() {
		return nil, &structs.Error{Op: "join", Kind: structs.KindInvalid, Err: errors.New("the request lacks the machine's id")}
	}
	if req.Region != nil {
		return a.joined(ctx, req)
	}
	if err := mayHave(a.cfg.Host.State().Snapshot(), req.ID, nil); err != nil {
		return nil, err
	}
	id := pki.Identity{Region: a.cfg.Region, ID: req.ID}
	var err error
	if req.Token == "" {
		id, err = a.returning(req)
	} else {
		if id.Role, err = a.admit(ctx, req); err == nil && !id.Role.Valid() {
			err = &structs.Error{Op: "join", Kind: structs.KindInvalid, Err: errors.New("the token joins a region, not a machine"),
				Hint: "run `berth server join TOKEN` on a server of the other region"}
		}
	}
	if err != nil {
		return nil, err
	}
	res := &transport.JoinResponse{Region: a.cfg.Region, Servers: a.cfg.Servers()}
	if res.Chain, res.Roots, err = a.issue(req.CSR, id); err != nil {
		return nil, err
	}
	if id.Role == pki.RoleServer {
		res.ClusterKey = a.cfg.Key.Bytes()
	}
	return res, nil
}

// admit checks and uses the token of a request.
func (a *Authority) admit(ctx context.Context, req *transport.JoinRequest) (pki.Role, error) {
	tok, err := pki.ParseToken(req.Token)
	if err != nil {
		return "", err
	}
	snap := a.cfg.Host.State().Snapshot()
	root, err := a.active(snap)
	if err != nil {
		return "", err
	}
	trusted, err := a.trusted(snap, root)
	if err != nil {
		return "", err
	}
	if trusted.Find(tok.CA) == nil {
		return "", &structs.Error{Op: "join with token", Subject: tok.ID.Short(), Kind: structs.KindUnauthorised,
			Err: errors.New("the token is of another cluster, or of a root that was retired"), Hint: "`berth operator join-token create` on a server of this cluster prints a new one"}
	}
	if err := tok.CheckTime(a.cfg.Now()); err != nil {
		return "", err
	}
	if n := snap.Node(req.ID); n != nil && n.Status == structs.NodeStatusReady && tok.Role == pki.RoleClient {
		return "", &structs.Error{Op: "join", Kind: structs.KindConflict, Err: fmt.Errorf("node %s (%s) is in the cluster and ready", req.ID.Short(), n.Name),
			Hint: "two machines have the same data directory: remove the copy on this one; or wait until the node is down"}
	}
	h := tok.Hash()
	v, err := a.cfg.Host.Propose(ctx, structs.CmdJoinTokenUse, &structs.JoinTokenUseCommand{ID: tok.ID, Hash: h[:], By: req.ID.String() + " " + req.From})
	if err != nil {
		return "", err
	}
	kept, ok := v.(*structs.JoinToken)
	if !ok {
		return "", &structs.Error{Op: "join", Kind: structs.KindInternal, Err: errors.New("the use of the token was not answered")}
	}
	if role := pki.Role(kept.Role); role != tok.Role {
		return "", &structs.Error{Op: "join with token", Subject: tok.ID.Short(), Kind: structs.KindUnauthorised,
			Err: fmt.Errorf("the token is for a %s, and says %s", role, tok.Role), Hint: "use the token as it was printed"}
	}
	return tok.Role, nil
}

// returning checks the certificate of a machine that comes back after it ended: it must have been valid until not too long ago,
// and the cluster must still know the machine.
func (a *Authority) returning(req *transport.JoinRequest) (pki.Identity, error) {
	deny := func(hint, format string, args ...any) (pki.Identity, error) {
		return pki.Identity{}, &structs.Error{Op: "come back to the cluster", Kind: structs.KindUnauthorised, Err: fmt.Errorf(format, args...), Hint: hint}
	}
	const again = "let the machine join again with a new join token"
	if len(req.Shown) == 0 {
		return deny(again, "the machine shows neither a token nor a certificate")
	}
	chain, err := pki.ParseDER(req.Shown)
	if err != nil {
		return deny(again, "its certificate cannot be read: %w", err)
	}
	snap := a.cfg.Host.State().Snapshot()
	root, err := a.active(snap)
	if err != nil {
		return pki.Identity{}, err
	}
	trusted, err := a.trusted(snap, root)
	if err != nil {
		return pki.Identity{}, err
	}
	now, end := a.cfg.Now(), chain[0].NotAfter
	if now.Sub(end) > a.cfg.Ages.Return {
		return deny(again, "the certificate expired at %s, more than %s ago", end.UTC().Format(time.RFC3339), a.cfg.Ages.Return)
	}
	if now.After(end) {
		now = end // it was good until then, and its holder proved to have the key now
	}
	id, err := trusted.Verify(chain, now)
	if err != nil {
		return pki.Identity{}, err
	}
	if err := mayHave(snap, id.ID, chain[0]); err != nil {
		return pki.Identity{}, err
	}
	if id.ID != req.ID || id.Region != a.cfg.Region {
		return deny(again, "the certificate is that of %s", id)
	}
	if id.Role == pki.RoleClient && snap.Node(id.ID) == nil {
		return deny(again, "node %s is no longer in the cluster", id.ID.Short())
	}
	return id, nil
}

// passedOn is a join request on its way from a follower to the leader.
type passedOn struct {
	*transport.JoinRequest
	From  string
	Shown [][]byte
}

// askLeader passes a request on.
func (a *Authority) askLeader(ctx context.Context, req *transport.JoinRequest) (*transport.JoinResponse, error) {
	unavailable := func(err error) (*transport.JoinResponse, error) {
		return nil, &structs.Error{Op: "join", Kind: structs.KindUnavailable, Err: err, Hint: "try again in a moment"}
	}
	leader, known := a.cfg.Host.Leader()
	if !known {
		return unavailable(errors.New("the cluster has no leader at present"))
	}
	body, err := json.Marshal(passedOn{JoinRequest: req, From: req.From, Shown: req.Shown})
	if err != nil {
		return unavailable(err)
	}
	out, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+leader.String()+JoinPath, bytes.NewReader(body))
	if err != nil {
		return unavailable(err)
	}
	res, err := a.cfg.Peers.RoundTrip(out)
	if err != nil {
		return unavailable(fmt.Errorf("ask the leader: %w", err))
	}
	defer res.Body.Close()
	var ans answer
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&ans); err != nil {
		return unavailable(fmt.Errorf("read the leader's answer (status %d): %w", res.StatusCode, err))
	}
	if ans.Error != "" {
		return nil, &structs.Error{Kind: ans.Kind, Err: errors.New(ans.Error), Hint: ans.Hint}
	}
	if ans.Response == nil {
		return unavailable(errors.New("the leader's answer is empty"))
	}
	return ans.Response, nil
}

// answer is what the leader tells a follower.
type answer struct {
	Response *transport.JoinResponse `json:",omitempty"`
	Error    string                  `json:",omitempty"`
	Hint     string                  `json:",omitempty"`
	Kind     structs.ErrorKind       `json:",omitempty"`
}

// ServeJoin answers JoinPath: only other servers may ask.
func (a *Authority) ServeJoin(w http.ResponseWriter, r *http.Request) {
	if p, ok := transport.PeerOf(r.Context()); !ok || p.Role != pki.RoleServer || p.Region != a.cfg.Region {
		http.Error(w, "only servers of this region pass on machines that join", http.StatusForbidden)
		return
	}
	var req passedOn
	if err := json.NewDecoder(io.LimitReader(r.Body, maxAnswer)).Decode(&req); err != nil || req.JoinRequest == nil {
		http.Error(w, "the request cannot be read", http.StatusBadRequest)
		return
	}
	req.JoinRequest.From, req.JoinRequest.Shown = req.From, req.Shown
	var ans answer
	if !a.cfg.Host.IsLeader() { // it moved: the machine tries again
		ans.Error, ans.Kind = "the cluster has no leader at present", structs.KindUnavailable
	} else if res, err := a.Join(r.Context(), req.JoinRequest); err != nil {
		ans.Error, ans.Kind = err.Error(), structs.KindOf(err)
	} else {
		ans.Response = res
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(ans) // the server that asked is gone
}
