package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"

	"berth/internal/pki"
	"berth/structs"
)

// Joiner decides about machines that want to join. server/authority does.
type Joiner interface {
	// Join checks the token and issues a certificate. Its error is told to the machine, with kind and hint.
	Join(ctx context.Context, req *JoinRequest) (*JoinResponse, error)
}

// JoinRequest is what a machine asks with.
type JoinRequest struct {
	Token string     // text form; empty when a machine comes back whose certificate has ended
	ID    structs.ID // what it wants to be known by
	CSR   []byte     // DER; of a machine
	// Region is what a region tells of itself that is to be joined with this one; nil for a machine.
	Region *RegionInfo `json:",omitempty"`
	From   string      `json:"-"` // where it asks from, set by the transport
	Shown  [][]byte    `json:"-"` // the chain it proved to have, DER, set by the transport
}

// JoinResponse is what a machine gets.
type JoinResponse struct {
	Region  string
	Chain   []byte   // PEM: its certificate and cross certificates
	Roots   []byte   // PEM: whom to trust
	Servers []string // addresses of the cluster's servers, host:port
	// ClusterKey is the servers' shared secret; only servers get it.
	ClusterKey []byte `json:",omitempty"`
	// Regions are this region (first) and those it is joined with; only another region is told.
	Regions []RegionInfo `json:",omitempty"`
}

// joinAnswer is what travels.
type joinAnswer struct {
	greeting
	Response *JoinResponse `json:",omitempty"`
}

// answerJoin answers one machine that wants to join and closes the connection. Its request is to come within the time of the handshake, and so is
// the end of the connection after the answer.
func (t *Transport) answerJoin(conn *tls.Conn) error {
	leave, ok := t.join.enter(conn.RemoteAddr())
	if !ok {
		err := &structs.Error{Kind: structs.KindUnavailable, Err: errors.New("too many machines are joining through this server at this moment"), Hint: "it is tried again"}
		return errors.Join(err, writeFrame(conn, joinAnswer{greeting: refuse(err)}, maxJoinFrame), lingerClose(conn))
	}
	defer leave()
	var req JoinRequest
	if err := readFrame(conn, &req, maxRequestFrame); err != nil {
		return fmt.Errorf("read a join request: %w", err)
	}
	if err := conn.SetDeadline(time.Now().Add(t.cfg.Limits.JoinTimeout)); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), t.cfg.Limits.JoinTimeout)
	defer cancel()
	req.From = conn.RemoteAddr().String()
	for _, c := range conn.ConnectionState().PeerCertificates {
		req.Shown = append(req.Shown, c.Raw)
	}
	res, err := t.decide(ctx, &req)
	if derr := conn.SetDeadline(time.Now().Add(t.cfg.Limits.outbound())); derr != nil {
		return errors.Join(err, derr)
	}
	if err != nil {
		t.log.Warn("a machine may not join", "remote", req.From, "error", err)
		return errors.Join(writeFrame(conn, joinAnswer{greeting: refuse(err)}, maxJoinFrame), lingerClose(conn))
	}
	if req.Region != nil {
		t.log.Info("a region was joined", "remote", req.From, "region", req.Region.Name)
	} else {
		t.log.Info("a machine joined", "remote", req.From, "node_id", req.ID)
	}
	return errors.Join(writeFrame(conn, joinAnswer{greeting: greeting{ID: t.cfg.ID}, Response: res}, maxJoinFrame), lingerClose(conn))
}

func (t *Transport) decide(ctx context.Context, req *JoinRequest) (*JoinResponse, error) {
	if t.cfg.Joiner == nil {
		return nil, &structs.Error{Kind: structs.KindUnavailable, Err: errors.New("this server lets no machines join: its certificates are those of its tls configuration")}
	}
	return t.cfg.Joiner.Join(ctx, req)
}

// JoinConfig says how to join. ID and one of Token and Ended must be set.
type JoinConfig struct {
	Token *pki.Token
	// Ended are a machine's credentials whose time is over: it comes back with them, within the time the cluster allows.
	Ended *pki.Credentials
	ID    structs.ID // of this machine
	// Addresses are tried in order, before those of the token.
	Addresses []string
	Dial      func(ctx context.Context, addr string) (net.Conn, error) // nil is TCP
	Now       func() time.Time                                         // nil is time.Now
	Timeout   time.Duration                                            // of each address; default 30 s
}

// Joined is what a machine has after joining.
type Joined struct {
	Credentials *pki.Credentials
	Servers     []string
	ClusterKey  *pki.ClusterKey // nil for a client
}

// Join asks the servers one after the other for a certificate until one gives it, or one refuses for good.
func Join(ctx context.Context, cfg JoinConfig) (*Joined, error) {
	var joined *Joined
	err := cfg.eachServer(ctx, func(ctx context.Context, c JoinConfig, addr string) (err error) {
		joined, err = joinAt(ctx, c, addr)
		return err
	})
	return joined, err
}

// eachServer asks one server after the other until one answers, or one refuses for good. What cfg leaves open is filled in.
func (cfg JoinConfig) eachServer(ctx context.Context, ask func(ctx context.Context, cfg JoinConfig, addr string) error) error {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.Dial == nil {
		cfg.Dial = func(ctx context.Context, addr string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		}
	}
	addrs := append([]string(nil), cfg.Addresses...)
	if cfg.Token != nil {
		if err := cfg.Token.CheckTime(cfg.Now()); err != nil {
			return err
		}
		addrs = append(addrs, cfg.Token.Addresses...)
	}
	if len(addrs) == 0 {
		return &structs.Error{Op: "join", Kind: structs.KindInvalid, Err: errors.New("neither the token nor the configuration names a server"),
			Hint: `set server_join { retry_join = ["<host>:4647"] }`}
	}
	var all []error
	for _, addr := range addrs {
		err := ask(ctx, cfg, addr)
		if err == nil {
			return nil
		}
		all = append(all, fmt.Errorf("%s: %w", addr, err))
		if k := structs.KindOf(err); k == structs.KindUnauthorised || k == structs.KindConflict || k == structs.KindInvalid || ctx.Err() != nil {
			break
		}
	}
	return &structs.Error{Op: "join the cluster", Kind: structs.KindOf(all[len(all)-1]), Err: errors.Join(all...)}
}

// joinAt asks one server for a certificate.
func joinAt(ctx context.Context, cfg JoinConfig, addr string) (*Joined, error) {
	key, csr, err := pki.NewRequest()
	if err != nil {
		return nil, err
	}
	req := &JoinRequest{ID: cfg.ID, CSR: csr}
	if cfg.Token != nil {
		req.Token = cfg.Token.Text()
	}
	res, err := exchange(ctx, cfg, addr, req)
	if err != nil {
		return nil, err
	}
	creds, err := pki.Accept(key, res.Chain, res.Roots, cfg.want(res.Region), cfg.Now())
	if err != nil {
		return nil, err
	}
	j := &Joined{Credentials: creds, Servers: res.Servers}
	if len(res.ClusterKey) > 0 {
		if j.ClusterKey, err = pki.ParseClusterKey(res.ClusterKey); err != nil {
			return nil, err
		}
	}
	return j, nil
}

// exchange sends a request to one server, which must be the one the token or the credentials name, and reads its answer.
func exchange(ctx context.Context, cfg JoinConfig, addr string, req *JoinRequest) (*JoinResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()
	unavailable := func(err error) error { return &structs.Error{Kind: structs.KindUnavailable, Err: err} }
	raw, err := cfg.Dial(ctx, addr)
	if err != nil {
		return nil, unavailable(err)
	}
	defer raw.Close()
	stop := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) }) // whatever waits on it ends
	defer stop()
	var judged error
	conf := &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{ProtoJoin}, SessionTicketsDisabled: true,
		InsecureSkipVerify: true, // Why: the token's digest says whom to trust, and no name is known
		VerifyConnection: func(s tls.ConnectionState) error {
			if s.NegotiatedProtocol != ProtoJoin {
				judged = unavailable(errors.New("it is not the cluster port of a Berth server"))
				return judged
			}
			judged = cfg.judge(s.PeerCertificates)
			return judged
		},
	}
	if cfg.Ended != nil {
		conf.Certificates = []tls.Certificate{*cfg.Ended.TLS(false)}
	}
	conn := tls.Client(raw, conf)
	if err := conn.HandshakeContext(ctx); err != nil {
		if judged != nil {
			return nil, judged
		}
		return nil, unavailable(fmt.Errorf("handshake: %w", err))
	}
	if err := writeFrame(conn, req, maxRequestFrame); err != nil {
		return nil, unavailable(err)
	}
	var a joinAnswer
	if err := readFrame(conn, &a, maxJoinFrame); err != nil {
		return nil, unavailable(fmt.Errorf("read the answer: %w", err))
	}
	if err := a.refusal(); err != nil {
		return nil, err
	}
	if a.Response == nil {
		return nil, unavailable(errors.New("an answer without content"))
	}
	return a.Response, nil
}

// judge checks the server's chain: against the token's digest, or against the roots of credentials that have ended.
func (cfg JoinConfig) judge(chain []*x509.Certificate) error {
	if cfg.Token != nil {
		_, err := cfg.Token.VerifyJoin(chain, cfg.Now())
		return err
	}
	id, err := cfg.Ended.Trusted.Verify(chain, cfg.Now())
	if err == nil && id.Role != pki.RoleServer {
		err = &structs.Error{Kind: structs.KindUnauthorised, Err: fmt.Errorf("it is answered by a %s: only servers let machines join", id.Role)}
	}
	return err
}

// want is whom the certificate must be for.
func (cfg JoinConfig) want(region string) pki.Identity {
	if cfg.Token == nil {
		return cfg.Ended.ID
	}
	return pki.Identity{Role: cfg.Token.Role, Region: region, ID: cfg.ID}
}
