package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"berth/internal/durable"
	"berth/internal/idgen"
	"berth/structs"
)

// rejoinName is the file that says that the directory's server is to join a cluster that is there, whatever its configuration says of
// forming one.
const rejoinName = "rejoin"

// rejoiningName is the file that says that a rejoin was begun and has not ended; it names the directory with what the server had. What lies beside
// it may be half of the old server: it might vote as one that has forgotten its votes. No server starts from it.
const rejoiningName = "rejoining"

// Rejoined is what Rejoin did.
type Rejoined struct {
	Before structs.ID // the server's id until now; zero when it could not be read
	ID     structs.ID // the one it joins with
	Kept   string     // directory with what it had
}

// Rejoin makes the server of a data directory, which does not run, a new one that gets everything from the others. It has a new id: as the
// old one it might vote twice, or for a leader that lacks what it had confirmed. What it had is kept beside. The server does not start until
// RejoinDone; a Rejoin that was interrupted goes on where it was.
func Rejoin(dataDir string, ids idgen.Source, now time.Time) (*Rejoined, error) {
	kept, begun, err := interruptedRejoin(dataDir)
	if err != nil {
		return nil, fmt.Errorf("rejoin: %w", err)
	}
	if !begun {
		if err := wasServer(dataDir); err != nil {
			return nil, err
		}
	}
	if kept == "" {
		if kept, err = keptDir(dataDir, now); err != nil {
			return nil, fmt.Errorf("rejoin: %w", err)
		}
		if err := durable.WriteFile(filepath.Join(dataDir, rejoiningName), []byte(filepath.Base(kept)+"\n")); err != nil {
			return nil, fmt.Errorf("rejoin: %w", err)
		}
	}
	out := &Rejoined{Kept: kept}
	if err := durable.WriteFile(filepath.Join(dataDir, rejoinName), []byte("This server joins a cluster that is there, and forms none.\n")); err != nil {
		return nil, fmt.Errorf("rejoin: %w", err)
	}
	for _, name := range []string{raftDirName, memberName, divergedName, restoringName, "node-id"} {
		if _, err := os.Lstat(filepath.Join(kept, name)); err == nil {
			continue // what is there now is the new server's
		}
		if err := os.Rename(filepath.Join(dataDir, name), filepath.Join(kept, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("rejoin: %w", err)
		}
	}
	for _, dir := range []string{kept, dataDir} { // what was moved is where it was moved to before the new server is
		if err := durable.SyncDir(dir); err != nil {
			return nil, fmt.Errorf("rejoin: %w", err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(kept, "node-id")); err == nil {
		out.Before, _ = structs.ParseID(string(trimEnd(text))) // one that cannot be read is replaced as well
	}
	out.ID, err = readIdentity(dataDir, ids)
	return out, err
}

// RejoinDone lets the server start that Rejoin made.
func RejoinDone(dataDir string) error {
	if err := os.Remove(filepath.Join(dataDir, rejoiningName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("rejoin: %w", err)
	}
	return durable.SyncDir(dataDir)
}

// wasServer refuses a directory that no server had.
func wasServer(dataDir string) error {
	for _, name := range []string{raftDirName, memberName} {
		if _, err := os.Stat(filepath.Join(dataDir, name)); !errors.Is(err, fs.ErrNotExist) {
			return nil // there, or not to be looked at: moving it tells
		}
	}
	return &structs.Error{Kind: structs.KindNotFound, Subject: "the cluster's log in " + dataDir, Err: errors.New("does not exist"),
		Hint: "name the data directory of an agent that was a server"}
}

// interruptedRejoin reports that a rejoin was begun that has not ended, and gives the directory that keeps what the server had; empty where that
// is not known or not there any more: what is left must then be kept elsewhere.
func interruptedRejoin(dataDir string) (kept string, begun bool, err error) {
	text, err := os.ReadFile(filepath.Join(dataDir, rejoiningName))
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", true, err
	}
	name := string(trimEnd(text))
	if !strings.HasPrefix(name, keptPrefix) || filepath.Base(name) != name {
		return "", true, nil
	}
	kept = filepath.Join(dataDir, name)
	if info, err := os.Stat(kept); err != nil || !info.IsDir() {
		return "", true, nil // why it cannot be looked at, if it is there, is told when another one is made
	}
	return kept, true, nil
}

// keptPrefix begins the names of directories that keep what a server had.
const keptPrefix = "before-"

// keptDir makes the directory that keeps what a server had, named by the time; a second one of the same second gets a number, so that
// nothing kept is written over.
func keptDir(dataDir string, now time.Time) (string, error) {
	first := filepath.Join(dataDir, keptPrefix+now.UTC().Format("20060102T150405Z"))
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
