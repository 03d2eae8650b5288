package containerd_test

import (
	"testing"

	"berth/drivers"
	"berth/drivers/drivertest"
)

func TestConformance(t *testing.T) {
	needRoot(t)
	nodes := map[drivers.Driver]*node{}
	drivertest.Conformance(t, drivertest.Harness{
		New: func(t *testing.T) drivers.Driver {
			n := newNode(t)
			nodes[n.driver] = n
			return n.driver
		},
		Restart: func(t *testing.T, old drivers.Driver, while func()) drivers.Driver {
			n := nodes[old]
			n.down()
			if while != nil {
				while()
			}
			n.up()
			nodes[n.driver] = n
			return n.driver
		},
		Configure: func(_ *testing.T, cfg *drivers.TaskConfig, b drivertest.Behaviour) {
			cfg.CgroupParent = "/berth-test-conformance"
			cfg.Config = map[string]any{"image": imageName, "command": "/bin/sh", "args": []any{"-c", script(cfg, b)}}
		},
		Command: execCommand,
	})
}
