package httpapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"testing"
)

func TestASnapshotIsSentWithItsDigestAndRestored(t *testing.T) {
	r := newRig(t)
	r.register(job("web", 1))
	resp, err := r.http.Get(r.url + "/v1/operator/snapshot")
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	sum := sha256.Sum256(data)
	h := resp.Header
	if err != nil || resp.StatusCode != 200 || h.Get("Digest") != "sha-256="+base64.StdEncoding.EncodeToString(sum[:]) ||
		h.Get("Content-Length") != strconv.Itoa(len(data)) || h.Get("X-Nomad-Index") == "" || h.Get("Content-Type") != "application/x-gzip" {
		t.Fatalf("%d, %v, %v", resp.StatusCode, h, err)
	}
	r.register(job("later", 1))
	seen := r.server.State().Index()
	waits := make(chan *http.Response, 1)
	go func() {
		resp, err := r.http.Get(r.url + "/v1/job/later?index=" + strconv.FormatUint(seen, 10) + "&wait=50s")
		if err != nil {
			t.Error(err)
		}
		waits <- resp
	}()
	resp, err = r.http.Post(r.url+"/v1/operator/snapshot", "", bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if at, _ := strconv.ParseUint(resp.Header.Get("X-Nomad-Index"), 10, 64); resp.StatusCode != 200 || at <= seen {
		t.Errorf("%d, index %d, seen %d", resp.StatusCode, at, seen)
	}
	snap := r.server.State().Snapshot()
	if snap.Job("default", "web") == nil || snap.Job("default", "later") != nil {
		t.Error("the state is not that of the snapshot")
	}
	if resp := <-waits; resp != nil { // it was told, and not left waiting for an index of a state that is gone
		resp.Body.Close()
		if resp.StatusCode != 404 {
			t.Errorf("a waiting reader got %d", resp.StatusCode)
		}
	}
}
