package membership

import (
	"testing"

	"go.uber.org/goleak"
)

// The library waits neither for its own probes nor for its streams of events; they end by themselves soon after.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/hashicorp/memberlist.(*Memberlist).triggerFunc"),
		goleak.IgnoreAnyFunction("github.com/hashicorp/memberlist.(*Memberlist).pushPullTrigger"),
		goleak.IgnoreAnyFunction("github.com/hashicorp/serf/serf.(*serfQueries).stream"),
		goleak.IgnoreAnyFunction("github.com/hashicorp/serf/serf.(*Snapshotter).stream"),
		goleak.IgnoreAnyFunction("github.com/hashicorp/serf/serf.(*Snapshotter).teeStream"),
	)
}
