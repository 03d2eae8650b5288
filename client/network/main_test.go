package network

import (
	"os"
	"testing"

	"berth/client/network/nettest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	os.Exit(nettest.MainFunc(func() int {
		code := m.Run()
		if code == 0 {
			if err := goleak.Find(); err != nil {
				os.Stderr.WriteString(err.Error() + "\n")
				return 1
			}
		}
		return code
	}))
}
