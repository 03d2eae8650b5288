package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"berth/internal/idgen"
	"berth/structs"
)

// rejoinName is the file that says that the directory's server is to join a cluster that is there, whatever its configuration says of
// forming one.
const rejoinName = "rejoin"

// Rejoined is what Rejoin did.
type Rejoined struct {
	Before structs.ID // the server's id until now; zero when it could not be read
	ID     structs.ID // the one it joins with
	Kept   string     // directory with what it had
}

// Rejoin makes the server of a data directory, which does not run, a new one that gets everything from the others. It has a new id: as the
// old one it might vote twice, or for a leader that lacks what it had confirmed. What it had is kept beside.
func Rejoin(dataDir string, ids idgen.Source, now time.Time) (*Rejoined, error) {
	if _, err := os.Stat(filepath.Join(dataDir, raftDirName)); errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dataDir, memberName)); errors.Is(err, fs.ErrNotExist) {
			return nil, &structs.Error{Kind: structs.KindNotFound, Subject: "the cluster's log in " + dataDir, Err: errors.New("does not exist"),
				Hint: "name the data directory of an agent that was a server"}
		}
	}
	out := &Rejoined{}
	if text, err := os.ReadFile(filepath.Join(dataDir, "node-id")); err == nil {
		out.Before, _ = structs.ParseID(string(trimEnd(text))) // one that cannot be read is replaced as well
	}
	if err := writeNew(filepath.Join(dataDir, rejoinName), []byte("This server joins a cluster that is there, and forms none.\n")); err != nil {
		return nil, fmt.Errorf("rejoin: %w", err)
	}
	kept, err := keptDir(dataDir, now)
	if err != nil {
		return nil, fmt.Errorf("rejoin: %w", err)
	}
	out.Kept = kept
	for _, name := range []string{raftDirName, memberName, divergedName, "node-id"} {
		if err := os.Rename(filepath.Join(dataDir, name), filepath.Join(out.Kept, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("rejoin: %w", err)
		}
	}
	id, err := identity(dataDir, ids)
	out.ID = id
	return out, err
}

// keptDir makes the directory that keeps what a server had, named by the time; a second one of the same second gets a number, so that
// nothing kept is written over.
func keptDir(dataDir string, now time.Time) (string, error) {
	first := filepath.Join(dataDir, "before-"+now.UTC().Format("20060102T150405Z"))
	dir := first
	for n := 2; ; n++ {
		err := os.Mkdir(dir, 0o700)
		if err == nil || !errors.Is(err, fs.ErrExist) {
			return dir, err
		}
		dir = fmt.Sprintf("%s-%d", first, n)
	}
}

// rejoins reports that the directory's server must not form a cluster.
func rejoins(dataDir string) bool {
	if dataDir == "" {
		return false
	}
	_, err := os.Stat(filepath.Join(dataDir, rejoinName))
	return err == nil
}
