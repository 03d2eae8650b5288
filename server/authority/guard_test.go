package authority_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"berth/internal/pki"
	"berth/internal/transport"
	"berth/server/authority"
)

func TestAClientsMachineDecidesNothingAboutWhoBelongs(t *testing.T) {
	h := authority.Guard("global", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, x := range []struct {
		path string
		role pki.Role // empty: a person
		want int
	}{
		{"/v1/operator/join-token", pki.RoleClient, 403},
		{"/v1/operator/join-tokens", pki.RoleClient, 403},
		{"/v1/operator/join-token/1", pki.RoleClient, 403},
		{"/v1/operator/ca/rotate", pki.RoleClient, 403},
		{"/v1/operator/join-token", "", 200},
		{"/v1/operator/join-token", pki.RoleServer, 200},
		{"/v1/jobs", pki.RoleClient, 200},
	} {
		r := httptest.NewRequest(http.MethodPut, x.path, nil)
		if x.role != "" {
			r = r.WithContext(transport.WithPeer(r.Context(), transport.Peer{Identity: pki.Identity{Role: x.role}}))
		}
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != x.want {
			t.Errorf("%s by %q: %d, want %d", x.path, x.role, w.Code, x.want)
		}
	}
}
