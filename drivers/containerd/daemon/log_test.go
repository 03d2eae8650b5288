package daemon

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/sirupsen/logrus"
)

func TestWhatIsHarmlessIsNotToldAndTheRestIs(t *testing.T) {
	for _, c := range []struct {
		message string
		err     error
		told    bool
	}{
		{"failed to delete task", errors.New("rpc error: code = NotFound desc = container not created: not found"), false},
		{"failed to delete task", errors.New("device busy"), true},
		{"warnings while cleaning up dead shim", errors.New("failed to read init pid file"), false},
		{"warnings while cleaning up dead shim", errors.New("failed to remove runc container"), true},
		{"copy shim log after reload", nil, false},
		{"failed to load shim", nil, true},
	} {
		var out bytes.Buffer
		hook := logHook{hclog.New(&hclog.LoggerOptions{Output: &out, Level: hclog.Debug})}
		e := &logrus.Entry{Message: c.message, Level: logrus.ErrorLevel, Data: logrus.Fields{}}
		if c.err != nil {
			e.Data["error"] = c.err
		}
		if err := hook.Fire(e); err != nil {
			t.Fatal(err)
		}
		if told := strings.Contains(out.String(), c.message); told != c.told {
			t.Errorf("%s (%v): told is %v: %q", c.message, c.err, told, out.String())
		}
	}
}
