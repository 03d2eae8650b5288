package api

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// DefaultAddress is where an agent listens unless told otherwise.
const DefaultAddress = "http://127.0.0.1:4646"

// Config says which agent to talk to and as whom. The zero value talks to DefaultAddress without a token.
type Config struct {
	// Address is http://host:port, https://host:port or unix:///path; "" means DefaultAddress.
	Address string
	// Region is sent with every request; "" means the agent's own.
	Region string
	// Namespace is used where a call names none; "" means "default".
	Namespace string
	// Token is the secret sent as X-Nomad-Token.
	Token string
	// BasicAuth is "user:password" for a proxy in front of the agent.
	BasicAuth string
	TLS       TLS
	// HTTPClient replaces the client made from the fields above; its transport is used as it is.
	HTTPClient *http.Client
}

// TLS names files in PEM form.
type TLS struct {
	CACert, CAPath        string
	ClientCert, ClientKey string
	ServerName            string
	// Insecure accepts any certificate. For tests.
	Insecure bool
}

// ConfigFromEnv reads BERTH_* and, where one is not set, NOMAD_* variables through getenv (os.Getenv in programs):
// ADDR, REGION, NAMESPACE, TOKEN, HTTP_AUTH, CACERT, CAPATH, CLIENT_CERT, CLIENT_KEY, TLS_SERVER_NAME, SKIP_VERIFY.
func ConfigFromEnv(getenv func(string) string) Config {
	env := func(name string) string {
		if v := getenv("BERTH_" + name); v != "" {
			return v
		}
		return getenv("NOMAD_" + name)
	}
	insecure, _ := strconv.ParseBool(env("SKIP_VERIFY"))
	return Config{
		Address: env("ADDR"), Region: env("REGION"), Namespace: env("NAMESPACE"), Token: env("TOKEN"), BasicAuth: env("HTTP_AUTH"),
		TLS: TLS{
			CACert: env("CACERT"), CAPath: env("CAPATH"), ClientCert: env("CLIENT_CERT"), ClientKey: env("CLIENT_KEY"),
			ServerName: env("TLS_SERVER_NAME"), Insecure: insecure,
		},
	}
}

// config makes the crypto/tls configuration.
func (t TLS) config() (*tls.Config, error) {
	out := &tls.Config{ServerName: t.ServerName, InsecureSkipVerify: t.Insecure, MinVersion: tls.VersionTLS12} //nolint:gosec // asked for by name
	if t.CACert != "" || t.CAPath != "" {
		pool, err := t.authorities()
		if err != nil {
			return nil, err
		}
		out.RootCAs = pool
	}
	switch {
	case t.ClientCert != "" && t.ClientKey != "":
		pair, err := tls.LoadX509KeyPair(t.ClientCert, t.ClientKey)
		if err != nil {
			return nil, fmt.Errorf("read client certificate %s and key %s: %w", t.ClientCert, t.ClientKey, err)
		}
		out.Certificates = []tls.Certificate{pair}
	case t.ClientCert != "" || t.ClientKey != "":
		return nil, errors.New("a client certificate needs its key and the other way round: set both BERTH_CLIENT_CERT and BERTH_CLIENT_KEY")
	}
	return out, nil
}

func (t TLS) authorities() (*x509.CertPool, error) {
	files := []string{}
	if t.CACert != "" {
		files = append(files, t.CACert)
	}
	if t.CAPath != "" {
		found, err := filepath.Glob(filepath.Join(t.CAPath, "*.pem"))
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	pool := x509.NewCertPool()
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("read certificate authority: %w", err)
		}
		if !pool.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("read certificate authority %s: it holds no certificate in PEM form", f)
		}
	}
	return pool, nil
}

// splitAddress gives the base URL of requests and, for a unix socket, its path.
func splitAddress(address string) (base, socket string, err error) {
	if address == "" {
		address = DefaultAddress
	}
	if path, ok := strings.CutPrefix(address, "unix://"); ok {
		if path == "" {
			return "", "", errors.New(`address "unix://" names no socket, want unix:///path/to.sock`)
		}
		return "http://unix", path, nil
	}
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	if !strings.HasPrefix(address, "http://") && !strings.HasPrefix(address, "https://") {
		return "", "", fmt.Errorf("address %q must start with http://, https:// or unix://", address)
	}
	return strings.TrimRight(address, "/"), "", nil
}
