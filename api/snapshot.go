package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Snapshot reads an archive of the whole state. What it gives ends with an error when it is not what the server made; the caller closes it.
func (o Operator) Snapshot(ctx context.Context, q *QueryOptions) (io.ReadCloser, *QueryMeta, error) {
	resp, err := o.c.send(ctx, request{method: http.MethodGet, path: "/v1/operator/snapshot", query: q.values()})
	if err != nil {
		return nil, nil, err
	}
	sum, ok := strings.CutPrefix(resp.Header.Get("Digest"), "sha-256=")
	want, err := base64.StdEncoding.DecodeString(sum)
	if !ok || err != nil || len(want) != sha256.Size {
		return nil, nil, errors.Join(fmt.Errorf("the server gave no digest of the snapshot: %q", resp.Header.Get("Digest")), resp.Body.Close())
	}
	return &digested{resp.Body, sha256.New(), want}, readQueryMeta(resp.Header), nil
}

// digested is a body whose digest is known.
type digested struct {
	io.ReadCloser
	sum  hash.Hash
	want []byte
}

// Read implements io.Reader.
func (d *digested) Read(p []byte) (int, error) {
	n, err := d.ReadCloser.Read(p)
	d.sum.Write(p[:n])
	if errors.Is(err, io.EOF) && string(d.sum.Sum(nil)) != string(d.want) {
		err = errors.New("the snapshot was changed on its way: its digest is another one")
	}
	return n, err
}

// RestoreSnapshot replaces the state of the whole cluster by an archive's. anyRegion takes one of another region.
func (o Operator) RestoreSnapshot(ctx context.Context, archive io.Reader, anyRegion bool) (*WriteMeta, error) {
	v := url.Values{}
	if anyRegion {
		v.Set("any_region", "true")
	}
	resp, err := o.c.send(ctx, request{method: http.MethodPut, path: "/v1/operator/snapshot", query: v, stream: archive, contentType: "application/x-gzip"})
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return readWriteMeta(resp.Header), nil
}
