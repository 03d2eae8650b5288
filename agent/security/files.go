package security

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"berth/agent/guard"
	"berth/internal/pki"
	"berth/structs"
)

// openForeign takes the certificate the configuration names for the cluster port.
func (s *Security) openForeign() error {
	c, err := s.loadFiles()
	if err != nil {
		return err
	}
	s.source.Replace(c)
	return nil
}

func (s *Security) loadFiles() (*pki.Credentials, error) {
	t := s.cfg.TLS
	fail := func(err error, hint string) (*pki.Credentials, error) {
		return nil, &structs.Error{Op: "use the tls block", Kind: structs.KindInvalid, Err: err, Hint: hint}
	}
	c, err := pki.LoadFiles(t.CAFile, t.CertFile, t.KeyFile)
	if err != nil {
		return fail(err, "")
	}
	if err := pki.CheckTimes(c.Leaf(), s.cfg.Now()); err != nil {
		return fail(err, "")
	}
	if err := c.Trusted.VerifyChain(c.Chain, s.cfg.Now()); err != nil {
		return fail(err, fmt.Sprintf("%s must be issued by an authority of %s, for both server and client authentication", t.CertFile, t.CAFile))
	}
	if t.RPC && t.VerifyServerHostname {
		if c.ID.Role != s.cfg.Role || c.ID.Region != s.cfg.Region {
			return fail(fmt.Errorf("%s is not a certificate of a %s of region %q", t.CertFile, s.cfg.Role, s.cfg.Region),
				fmt.Sprintf("with verify_server_hostname it must have the name %s.%s.nomad", s.cfg.Role, s.cfg.Region))
		}
	}
	c.ID.ID, c.ID.Role, c.ID.Region = s.cfg.ID, s.cfg.Role, s.cfg.Region
	return c, nil
}

// openWeb takes the certificate the configuration names for the API.
func (s *Security) openWeb() error {
	if !s.cfg.TLS.HTTP {
		return nil
	}
	c, err := s.loadFiles()
	if err != nil {
		return err
	}
	s.web.Store(c)
	return nil
}

// Reload reads the files of the tls block again, for connections made from now on. When they are not good those in use stay.
func (s *Security) Reload() error {
	if !s.cfg.TLS.HTTP && !s.cfg.TLS.RPC {
		return nil
	}
	c, err := s.loadFiles()
	if err != nil {
		return fmt.Errorf("the certificates in use stay: %w", err)
	}
	if s.cfg.TLS.HTTP {
		s.web.Store(c)
	}
	if s.cfg.TLS.RPC {
		s.source.Replace(c)
	}
	s.log.Info("certificates are read again", "valid_until", c.Leaf().NotAfter)
	return nil
}

// Web puts TLS round the API's listener when the configuration says so, and gives it back as it is when not. A handshake may take as long as
// that; 0 is no limit.
func (s *Security) Web(l net.Listener, handshake time.Duration) net.Listener {
	if s.web.Load() == nil {
		return l
	}
	return tls.NewListener(guard.Handshakes(l, handshake), s.webTLS())
}

func (s *Security) webTLS() *tls.Config {
	t := s.cfg.TLS
	return &tls.Config{
		MinVersion: t.MinVersion,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			c := s.web.Load()
			if c == nil {
				return nil, errors.New("the API has no certificate")
			}
			conf := &tls.Config{MinVersion: t.MinVersion, CipherSuites: t.CipherSuites, Certificates: []tls.Certificate{*c.TLS(false)},
				NextProtos: []string{"h2", "http/1.1"}, ClientCAs: c.Trusted.Pool()}
			if t.VerifyHTTPSClient {
				conf.ClientAuth = tls.RequireAndVerifyClientCert
			}
			return conf, nil
		},
	}
}
