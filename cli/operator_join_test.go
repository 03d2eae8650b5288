package cli

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"berth/api"
)

func TestJoinTokens(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	client := &api.JoinToken{ID: "0b5c6a30-1111-4222-8333-444455556666", Role: "client", ExpiresAt: at, Uses: 1, MaxUses: 3, LastUsedBy: "n1 10.0.0.9:1", Description: "rack 7"}
	made := *client
	made.Token = "berth-join-client-AQIAAAAA"
	f := newFake(t, map[string]any{
		"GET /v1/operator/join-tokens":                                        []*api.JoinToken{client, {ID: "0b5c6a30-1111-4222-8333-444455557777", Role: "server", ExpiresAt: at}},
		"PUT /v1/operator/join-token":                                         made,
		"DELETE /v1/operator/join-token/0b5c6a30-1111-4222-8333-444455556666": func(http.ResponseWriter, *http.Request) {},
	})
	golden(t, "join-token-list", f.berth(t, "operator", "join-token", "list").out)
	golden(t, "join-token-create", f.berth(t, "operator", "join-token", "create", "-role=client", "-ttl=2h", "-max-uses=3", "-description=rack 7").out)
	var sent api.JoinTokenRequest
	if err := json.Unmarshal(f.text("PUT /v1/operator/join-token"), &sent); err != nil || sent.TTL != "2h0m0s" || sent.MaxUses != 3 || sent.Rotate || sent.Role != "client" {
		t.Errorf("sent %+v, %v", sent, err)
	}
	if got := f.berth(t, "operator", "join-token", "rotate", "-role=server", "-q"); got.code != 0 || got.out != made.Token+"\n" {
		t.Errorf("%+v", got)
	}
	if err := json.Unmarshal(f.text("PUT /v1/operator/join-token"), &sent); err != nil || !sent.Rotate {
		t.Errorf("sent %+v, %v", sent, err)
	}
	if got := f.berth(t, "operator", "join-token", "revoke", client.ID); got.code != 0 || !strings.Contains(got.out, "Revoked") {
		t.Errorf("%+v", got)
	}
}

func TestTheAuthority(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	f := newFake(t, map[string]any{
		"GET /v1/operator/ca": []*api.AuthorityRoot{{ID: strings.Repeat("a", 64), Subject: "Berth global root 1", NotAfter: at, RetireAt: at},
			{ID: strings.Repeat("b", 64), Subject: "Berth global root 2", Active: true, NotAfter: at.AddDate(10, 0, 0)}},
		"PUT /v1/operator/ca/rotate": api.AuthorityRotateResponse{ID: strings.Repeat("c", 64)},
	})
	golden(t, "ca-list", f.berth(t, "operator", "ca", "list").out)
	if got := f.berth(t, "operator", "ca", "rotate", "-new"); got.code != 0 || !strings.Contains(got.out, "Root cccccccccccccccc issues") || !strings.Contains(f.last(), "alone=true") {
		t.Errorf("%+v %v", got, f.requests())
	}
}

func TestRevocations(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	const id = "0b5c6a30-1111-4222-8333-444455556666"
	machine := &api.Revocation{Name: id, Machine: true, Reason: "stolen", RevokedAt: at, ExpiresAt: at.AddDate(0, 0, 31)}
	f := newFake(t, map[string]any{
		"GET /v1/operator/ca/revocations":         []*api.Revocation{machine, {Name: "abc01", RevokedAt: at, ExpiresAt: at.AddDate(0, 0, 31)}},
		"PUT /v1/operator/ca/revocations":         machine,
		"DELETE /v1/operator/ca/revocation/" + id: func(http.ResponseWriter, *http.Request) {},
	})
	golden(t, "ca-revocations", f.berth(t, "operator", "ca", "revocations").out)
	golden(t, "ca-revoke", f.berth(t, "operator", "ca", "revoke", "-reason=stolen", id).out)
	var sent api.RevocationRequest
	if err := json.Unmarshal(f.text("PUT /v1/operator/ca/revocations"), &sent); err != nil || sent.Name != id || sent.Reason != "stolen" {
		t.Errorf("sent %+v, %v", sent, err)
	}
	if got := f.berth(t, "operator", "ca", "reinstate", id); got.code != 0 || !strings.Contains(got.out, "no longer revoked") {
		t.Errorf("%+v", got)
	}
}
