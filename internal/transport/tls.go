package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"

	"berth/internal/pki"
	"berth/structs"
)

// serverTLS is the configuration for a connection that was accepted. Certificates are asked for and proven by the handshake,
// and judged after it, so that a machine that is refused can be told why.
func (t *Transport) serverTLS() *tls.Config {
	base := &tls.Config{MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true}
	base.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		creds, err := t.cfg.Credentials.Current()
		if err != nil {
			return nil, err
		}
		c := &tls.Config{MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true}
		join := slices.Contains(h.SupportedProtos, ProtoJoin)
		if join {
			c.NextProtos = []string{ProtoJoin}
			c.ClientAuth = tls.RequestClientCert // a machine that comes back shows the one that has ended; the joiner judges it
		} else {
			c.NextProtos = []string{ProtoRaft, ProtoHTTP}
			c.ClientAuth = tls.RequireAnyClientCert
		}
		c.Certificates = []tls.Certificate{*creds.TLS(join)}
		return c, nil
	}
	return base
}

// clientTLS is the configuration for dialling a peer. The peer's certificate is judged before anything is sent.
func (t *Transport) clientTLS(proto string) (*tls.Config, error) {
	creds, err := t.cfg.Credentials.Current()
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{proto}, SessionTicketsDisabled: true,
		Certificates:       []tls.Certificate{*creds.TLS(false)},
		InsecureSkipVerify: true, // Why: VerifyConnection checks the chain against roots that may change, and the identity instead of a host name
		VerifyConnection: func(s tls.ConnectionState) error {
			if s.NegotiatedProtocol != proto {
				return fmt.Errorf("the other side does not speak %s", proto)
			}
			id, err := t.judge(s)
			if err != nil {
				return err
			}
			if id.Role != pki.RoleServer && !t.cfg.AnyRole {
				return fmt.Errorf("the other side's certificate is a %s's: only servers are dialled", id.Role)
			}
			return nil
		},
	}, nil
}

// judge verifies the certificate a peer proved to have, and reads its identity.
func (t *Transport) judge(s tls.ConnectionState) (pki.Identity, error) {
	if !t.cfg.AnyRole {
		return t.cfg.Credentials.Verify(s.PeerCertificates, t.cfg.Now())
	}
	creds, err := t.cfg.Credentials.Current()
	if err != nil {
		return pki.Identity{}, err
	}
	if err := creds.Trusted.VerifyChain(s.PeerCertificates, t.cfg.Now()); err != nil {
		return pki.Identity{}, err
	}
	id, err := pki.IdentityOf(s.PeerCertificates[0])
	if err != nil {
		id = pki.Identity{} // the hello says it
	}
	return id, t.cfg.Credentials.CheckRevoked(s.PeerCertificates[0], id.ID)
}

// admit joins what the certificate says with what the hello says: they must not contradict, and what the certificate of a
// foreign authority leaves open the hello fills in.
func (t *Transport) admit(proto string, cert pki.Identity, h hello) (pki.Identity, error) {
	deny := func(format string, args ...any) (pki.Identity, error) {
		return pki.Identity{}, &structs.Error{Kind: structs.KindUnauthorised, Err: fmt.Errorf(format, args...)}
	}
	id := cert
	if id.ID.IsZero() {
		id.ID = h.ID
	}
	if t.cfg.AnyRole && id.Role == "" {
		id.Role, id.Region = h.Role, h.Region
	}
	switch err := id.Validate(); {
	case err != nil:
		return deny("%w", err)
	case h.ID != id.ID:
		return deny("it calls itself %s and its certificate is that of %s", h.ID, id.ID)
	case id.ID == t.cfg.ID && id.Role == pki.RoleServer && t.cfg.Role == pki.RoleServer && h.Addr != "" && h.Addr != t.cfg.Addr:
		return deny("it has this server's own id %s: its data directory is a copy of this one's", id.ID)
	case proto == ProtoRaft && id.Role != pki.RoleServer:
		return deny("a %s's certificate does not open %s: only servers take part in Raft", id.Role, ProtoRaft)
	case proto == ProtoRaft && t.cfg.Role != pki.RoleServer:
		return deny("this machine is a client: it takes no part in Raft")
	case id.Region != t.cfg.Region && (proto == ProtoRaft || id.Role != pki.RoleServer):
		return deny("it belongs to region %q and this server to region %q", id.Region, t.cfg.Region)
	}
	return id, nil
}

// refuse is what a machine that is refused is told.
func refuse(err error) greeting {
	var e *structs.Error
	g := greeting{Refused: err.Error(), Kind: structs.KindOf(err)}
	if errors.As(err, &e) {
		g.Hint = e.Hint
		if e.Err != nil {
			g.Refused = e.Err.Error()
		}
	}
	return g
}
