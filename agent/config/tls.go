package config

import (
	"crypto/tls"
	"slices"
	"strings"
)

// TLS are certificates of the operator's own, in place of those the cluster makes.
type TLS struct {
	// HTTP puts TLS on the API, RPC uses the files on the cluster port.
	HTTP, RPC bool
	// The files, in PEM form. They are read again on SIGHUP.
	CAFile, CertFile, KeyFile string
	// VerifyServerHostname wants certificates that say what their holder is: server.<region>.nomad, client.<region>.nomad.
	VerifyServerHostname bool
	// VerifyHTTPSClient wants a certificate of those who call the API.
	VerifyHTTPSClient bool
	// MinVersion and CipherSuites are for the API; the cluster port speaks TLS 1.3 alone.
	MinVersion   uint16
	CipherSuites []uint16
}

type tlsBlock struct {
	HTTP                 *bool   `hcl:"http,optional"`
	RPC                  *bool   `hcl:"rpc,optional"`
	CAFile               *string `hcl:"ca_file,optional"`
	CertFile             *string `hcl:"cert_file,optional"`
	KeyFile              *string `hcl:"key_file,optional"`
	VerifyServerHostname *bool   `hcl:"verify_server_hostname,optional"`
	VerifyHTTPSClient    *bool   `hcl:"verify_https_client,optional"`
	RPCUpgradeMode       *bool   `hcl:"rpc_upgrade_mode,optional"`
	CipherSuites         *string `hcl:"tls_cipher_suites,optional"`
	MinVersion           *string `hcl:"tls_min_version,optional"`
	PreferServer         *bool   `hcl:"tls_prefer_server_cipher_suites,optional"`
}

var tlsVersions = map[string]uint16{"tls12": tls.VersionTLS12, "tls13": tls.VersionTLS13}

// tls takes over the tls block.
func (b *builder) tls(t *tlsBlock) {
	c := &b.c.TLS
	set(&c.HTTP, t.HTTP)
	set(&c.RPC, t.RPC)
	set(&c.CAFile, t.CAFile)
	set(&c.CertFile, t.CertFile)
	set(&c.KeyFile, t.KeyFile)
	set(&c.VerifyServerHostname, t.VerifyServerHostname)
	set(&c.VerifyHTTPSClient, t.VerifyHTTPSClient)
	if (c.HTTP || c.RPC) && (c.CAFile == "" || c.CertFile == "" || c.KeyFile == "") {
		b.fail("tls: http and rpc need ca_file, cert_file and key_file; without the block the cluster makes its own certificates")
	}
	if t.RPCUpgradeMode != nil && *t.RPCUpgradeMode {
		b.fail("tls.rpc_upgrade_mode: the cluster port never speaks without TLS; remove the line")
	}
	if t.MinVersion != nil {
		v, ok := tlsVersions[*t.MinVersion]
		if !ok {
			b.fail("tls.tls_min_version = %q: tls12 and tls13 are known", *t.MinVersion)
		}
		c.MinVersion = v
	}
	if t.CipherSuites != nil {
		b.cipherSuites(*t.CipherSuites)
	}
	if t.PreferServer != nil {
		b.warn("tls.tls_prefer_server_cipher_suites has no effect: the order is always the program's")
	}
}

func (b *builder) cipherSuites(list string) {
	var names []string
	for _, s := range tls.CipherSuites() {
		names = append(names, s.Name)
	}
	for name := range strings.SplitSeq(list, ",") {
		i := slices.Index(names, strings.TrimSpace(name))
		if i < 0 {
			b.fail("tls.tls_cipher_suites: %q is not known or not safe; known are %s", strings.TrimSpace(name), strings.Join(names, ", "))
			continue
		}
		b.c.TLS.CipherSuites = append(b.c.TLS.CipherSuites, tls.CipherSuites()[i].ID)
	}
}
