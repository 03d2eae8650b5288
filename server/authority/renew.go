package authority

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"berth/internal/transport"
	"berth/structs"
)

// RenewPath is where a machine asks any server for its next certificate.
const RenewPath = "/v1/internal/certificate"

// renewal travels both ways: a request (DER), then chain and roots (PEM).
type renewal struct {
	CSR   []byte `json:",omitempty"`
	Chain []byte `json:",omitempty"`
	Roots []byte `json:",omitempty"`
}

// ServeRenew answers RenewPath: the connection's certificate says for whom.
func (a *Authority) ServeRenew(w http.ResponseWriter, r *http.Request) {
	p, ok := transport.PeerOf(r.Context())
	if !ok {
		http.Error(w, "certificates are renewed over the cluster port", http.StatusForbidden)
		return
	}
	var req renewal
	if err := json.NewDecoder(io.LimitReader(r.Body, maxAnswer)).Decode(&req); err != nil {
		http.Error(w, "the request cannot be read", http.StatusBadRequest)
		return
	}
	chain, roots, err := a.Renew(p.Identity, req.CSR)
	if err != nil {
		http.Error(w, err.Error(), structs.KindOf(err).HTTPStatus())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(renewal{Chain: chain, Roots: roots}) // the machine that asked is gone
}

// AskServers gives the function a client's pki.Renewer asks with: it tries the servers' addresses in order.
func AskServers(peers http.RoundTripper, servers func() []string) func(ctx context.Context, csr []byte) (chain, roots []byte, err error) {
	return func(ctx context.Context, csr []byte) (chain, roots []byte, err error) {
		err = errors.New("no server is known")
		for i, addr := range servers() {
			var one error
			if chain, roots, one = ask(ctx, peers, addr, csr); one == nil {
				return chain, roots, nil
			}
			if i == 0 {
				err = nil
			}
			err = errors.Join(err, fmt.Errorf("%s: %w", addr, one))
		}
		return nil, nil, err
	}
}

func ask(ctx context.Context, peers http.RoundTripper, addr string, csr []byte) (chain, roots []byte, err error) {
	body, err := json.Marshal(renewal{CSR: csr})
	if err != nil {
		return nil, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+addr+RenewPath, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	res, err := peers.RoundTrip(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("status %d: %s", res.StatusCode, strings.TrimSpace(string(text)))
	}
	var a renewal
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, nil, fmt.Errorf("read the answer: %w", err)
	}
	return a.Chain, a.Roots, nil
}
