package httpapi

import (
	"strings"
	"testing"
)

// TestWhatAnOperatorCollectsShowsNoSecret plants secrets where an agent has some, and reads what `berth operator debug` reads.
func TestWhatAnOperatorCollectsShowsNoSecret(t *testing.T) {
	const secret = "s3cret-s3ntinel"
	t.Setenv("NOMAD_TOKEN", secret)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	t.Setenv("HTTPS_PROXY", "http://user:"+secret+"@proxy")
	r := newRig(t)
	c := r.api.Config
	c.Debug, c.DataDir, c.JoinToken = true, t.TempDir(), secret
	c.Server.Encrypt, c.Headers, c.Telemetry.DatadogTags = []byte(secret), map[string]string{"X-Key": secret}, []string{"key:" + secret}
	j := job("web", 1)
	j.TaskGroups[0].Tasks[0].Env = map[string]string{"PASSWORD": secret}
	r.register(j)
	for _, path := range []string{"/v1/agent/self", "/v1/agent/health", "/v1/agent/host", "/v1/agent/members", "/v1/agent/pprof/cmdline", "/v1/metrics", "/v1/jobs?namespace=*",
		"/v1/allocations?namespace=*", "/v1/evaluations?namespace=*", "/v1/deployments?namespace=*", "/v1/nodes?resources=true", "/v1/namespaces", "/v1/node/pools",
		"/v1/operator/raft/configuration", "/v1/operator/autopilot/configuration", "/v1/operator/autopilot/health", "/v1/operator/scheduler/configuration",
		"/v1/regions", "/v1/status/leader"} {
		got := r.do("GET", path, nil)
		if got.status != 200 {
			t.Errorf("%s: %+v", path, got)
		}
		for _, hidden := range []string{secret, r.node.SecretID.String()} {
			if strings.Contains(got.body, hidden) {
				t.Errorf("%s shows a secret:\n%.2000s", path, got.body)
			}
		}
	}
}
