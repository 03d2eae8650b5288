package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"berth/internal/durable"
	"berth/internal/idgen"
	"berth/structs"
)

// Identity gives the id of the server whose data directory that is, and makes both at the first start.
func Identity(dataDir string, ids idgen.Source) (structs.ID, error) {
	if dataDir != "" {
		if err := durable.MkdirAll(dataDir, 0o700); err != nil {
			return structs.ID{}, fmt.Errorf("make the data directory: %w", err)
		}
	}
	return identity(dataDir, ids)
}

// identity reads the server's own id from its data directory, and makes one at the first start. In memory it is new each time.
func identity(dataDir string, ids idgen.Source) (structs.ID, error) {
	if dataDir == "" {
		return ids.NewID(), nil
	}
	if _, begun, err := interruptedRejoin(dataDir); err != nil || begun {
		return structs.ID{}, &structs.Error{Op: "read server identity", Kind: structs.KindConflict, Subject: dataDir,
			Err: errors.Join(errors.New("`berth operator rejoin` was interrupted here: half of the old server may be left"), err), Hint: "run it again: it goes on where it was"}
	}
	return readIdentity(dataDir, ids)
}

func readIdentity(dataDir string, ids idgen.Source) (structs.ID, error) {
	path := filepath.Join(dataDir, "node-id")
	text, err := os.ReadFile(path)
	if err == nil {
		id, err := structs.ParseID(strings.TrimSpace(string(text)))
		if err != nil {
			return structs.ID{}, &structs.Error{Op: "read server identity", Kind: structs.KindInvalid, Subject: path, Err: err,
				Hint: "restore the file from a backup; with a new id the server would be a stranger to its own cluster"}
		}
		return id, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return structs.ID{}, fmt.Errorf("read server identity: %w", err)
	}
	id := ids.NewID()
	if err := durable.WriteFile(path, []byte(id.String()+"\n")); err != nil {
		return structs.ID{}, fmt.Errorf("write server identity: %w", err)
	}
	return id, nil
}
