package powerloss

import (
	"bufio"
	"errors"
	"fmt"
	"os/exec"
	"sync/atomic"
)

// Life runs a command that uses the disk, gives each line it says to a function, cuts the power at a step counted from now, kills the command and
// restarts the disk by a seed. A command that ends by itself is an error.
func (d *Disk) Life(cmd *exec.Cmd, step int64, seed uint64, said func(line string)) error {
	var steps atomic.Int64
	cut, ended := make(chan struct{}), make(chan struct{})
	d.Watch(func(Step) Verdict {
		if steps.Add(1) != step {
			return Done
		}
		close(cut)
		return Cut
	})
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			said(lines.Text())
		}
	}()
	select {
	case <-cut:
	case <-ended:
		err = errors.New("it ended by itself")
	}
	kerr := cmd.Process.Kill()
	d.Release()
	<-ended
	werr := cmd.Wait()
	if err != nil {
		return fmt.Errorf("%w: %w", err, werr)
	}
	return errors.Join(kerr, d.Restart(seed))
}
