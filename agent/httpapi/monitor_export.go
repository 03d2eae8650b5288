package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"berth/api"
)

const (
	// exportPiece is what of a log file is sent at a time, in bytes.
	exportPiece = 64 << 10
	// exportLook is how often a file that is followed is looked at.
	exportLook = time.Second
)

// monitorExport sends what the agent has written to its log_file, and with ?follow what it goes on to write.
//
// Why no service_name: the journal of a service is read by a program of the machine's, and an agent runs none with words of a request.
func (a *API) monitorExport(w http.ResponseWriter, r *request) error {
	if err := r.mine(); err != nil {
		return err
	}
	name := a.Config.LogFile
	switch {
	case r.query.Get("service_name") != "":
		return invalid("an agent reads no journal: on its machine, `journalctl -u %s` does; with on_disk=true it sends its log_file", r.query.Get("service_name"))
	case r.query.Get("logs_since") != "":
		return invalid("logs_since is of journals: with on_disk=true the whole log_file is sent")
	case !r.flag("on_disk"):
		return invalid("say what to export: on_disk=true, the agent's log_file")
	case name == "":
		return invalid("this agent writes no file: set log_file in its configuration")
	}
	file, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("read log_file: %w", err)
	}
	defer func() { _ = file.Close() }() // it is only read
	plain := r.flag("plain")
	w.Header().Set("Content-Type", map[bool]string{true: "text/plain; charset=utf-8", false: "application/json"}[plain])
	ctl, enc := http.NewResponseController(w), json.NewEncoder(w)
	w.WriteHeader(http.StatusOK)
	send := func(piece []byte) error {
		var err error
		switch {
		case !plain:
			err = enc.Encode(api.StreamFrame{Data: piece})
		default:
			_, err = w.Write(piece)
		}
		if err == nil {
			err = ctl.Flush()
		}
		return err
	}
	return exportFile(r.ctx(), file, name, r.flag("follow"), send)
}

// exportFile sends a file to its end, and when it is followed what is added, until ctx is done. A file that was cut or put in its place is
// sent from its beginning.
func exportFile(ctx context.Context, file *os.File, name string, follow bool, send func([]byte) error) error {
	buf := make([]byte, exportPiece)
	tick := time.NewTicker(exportLook)
	defer tick.Stop()
	own := false // the file was opened here
	defer func() {
		if own {
			_ = file.Close() // it is only read
		}
	}()
	for {
		n, err := file.Read(buf)
		if n > 0 {
			if err := send(buf[:n]); err != nil {
				return err
			}
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) || !follow {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		if next := renewed(file, name); next != nil {
			if own {
				_ = file.Close() // it is only read
			}
			file, own = next, true
		}
	}
}

// renewed is the file to go on with when another has its name, or it was cut; nil to stay.
func renewed(file *os.File, name string) *os.File {
	now, err := os.Stat(name)
	if err != nil {
		return nil // it is between two files
	}
	was, err := file.Stat()
	if err != nil {
		return nil
	}
	at, err := file.Seek(0, io.SeekCurrent)
	if err != nil || os.SameFile(was, now) && now.Size() >= at {
		return nil
	}
	next, err := os.Open(name)
	if err != nil {
		return nil
	}
	return next
}
