package allocrunner

import (
	"context"
	"fmt"
	"time"

	"berth/drivers"
)

// missing is a driver this node does not have: every start fails and says so.
type missing string

func (m missing) err() error {
	return &drivers.StartError{Reason: fmt.Sprintf("driver %q is not on this node", string(m))}
}

func (m missing) Name() string                                              { return string(m) }
func (m missing) Capabilities() drivers.Capabilities                        { return drivers.Capabilities{} }
func (m missing) Fingerprint(context.Context) drivers.Fingerprint           { return drivers.Fingerprint{} }
func (m missing) List(context.Context) ([]drivers.Handle, error)            { return nil, nil }
func (m missing) Destroy(context.Context, string) error                     { return nil }
func (m missing) Recover(context.Context, *drivers.Handle) error            { return m.err() }
func (m missing) Signal(context.Context, string, string) error              { return m.err() }
func (m missing) Stop(context.Context, string, string, time.Duration) error { return m.err() }

func (m missing) Start(context.Context, *drivers.TaskConfig) (*drivers.Handle, error) {
	return nil, m.err()
}

func (m missing) Wait(context.Context, string) (*drivers.ExitResult, error) { return nil, m.err() }

func (m missing) Inspect(context.Context, string) (*drivers.TaskStatus, error) { return nil, m.err() }

func (m missing) Stats(context.Context, string) (*drivers.Usage, error) { return nil, m.err() }

func (m missing) Exec(context.Context, string, *drivers.ExecRequest) (*drivers.ExitResult, error) {
	return nil, m.err()
}
