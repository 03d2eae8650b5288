package atrest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"berth/internal/durable"
	"berth/structs"
)

// commandTimeout bounds a command that gives a key.
const commandTimeout = 30 * time.Second

// maxSecret bounds what a file or command gives, in bytes.
const maxSecret = 4 << 10

// Source says where the key comes from. Exactly one of the first three is set.
type Source struct {
	// KeyFile holds the key; it is made when it does not exist and nothing was sealed yet.
	KeyFile string
	// PassphraseFile holds a passphrase: a file of the service manager's credentials, or a pipe.
	PassphraseFile string
	// Command prints the key: a client of a key service.
	Command []string
	// Dir is where the name of the key and the salt of a passphrase are kept, among the data: neither is a secret.
	Dir string
}

// Names in Dir.
const (
	idFile   = "key-id"
	saltFile = "key-salt"
)

// Used reports whether data in Dir was sealed before.
func (s Source) Used() bool {
	_, err := os.Stat(filepath.Join(s.Dir, idFile))
	return err == nil
}

// Open gets the key. It must be the one the data in Dir was sealed with before, if any was.
func (s Source) Open(ctx context.Context) (*Key, error) {
	known, err := read(filepath.Join(s.Dir, idFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, s.fail(err, "")
	}
	key, err := s.get(ctx, len(known) == 0)
	if err != nil {
		return nil, err
	}
	switch {
	case len(known) == 0:
		if err := write(filepath.Join(s.Dir, idFile), []byte(key.ID()+"\n")); err != nil {
			return nil, s.fail(err, "")
		}
	case string(bytes.TrimSpace(known)) != key.ID():
		return nil, s.fail(fmt.Errorf("%s is key %s, and the data in %s was sealed with key %s", s.name(), key.ID(), s.Dir, bytes.TrimSpace(known)),
			"bring back the right key: without it the data cannot be read")
	}
	return key, nil
}

func (s Source) name() string {
	switch {
	case s.KeyFile != "":
		return s.KeyFile
	case s.PassphraseFile != "":
		return "the passphrase in " + s.PassphraseFile
	}
	return "what " + s.Command[0] + " prints"
}

func (s Source) fail(err error, hint string) error {
	return &structs.Error{Op: "unlock the data in", Subject: s.Dir, Kind: structs.KindInvalid, Err: err, Hint: hint}
}

// get reads the key, and makes one for the first start.
func (s Source) get(ctx context.Context, first bool) (*Key, error) {
	switch {
	case s.KeyFile != "":
		return s.file(first)
	case s.PassphraseFile != "":
		return s.passphrase(first)
	case len(s.Command) > 0:
		return s.command(ctx)
	}
	return nil, s.fail(errors.New("no key file, passphrase or command is named"), "")
}

func (s Source) file(first bool) (*Key, error) {
	text, err := read(s.KeyFile)
	if errors.Is(err, fs.ErrNotExist) && first {
		key, err := NewKey()
		if err != nil {
			return nil, err
		}
		if err := write(s.KeyFile, []byte(key.Text()+"\n")); err != nil {
			return nil, s.fail(err, "the key's directory must be there and writable, or set server { at_rest { key_file = ... } }")
		}
		return key, nil
	}
	if err != nil {
		return nil, s.fail(err, "the data is sealed, and its key is not where it was: bring it back from where you keep it")
	}
	if st, err := os.Stat(s.KeyFile); err == nil && st.Mode().Perm()&0o077 != 0 {
		return nil, s.fail(fmt.Errorf("%s can be read by others (mode %04o)", s.KeyFile, st.Mode().Perm()), "chmod 600 "+s.KeyFile)
	}
	key, err := ParseKey(text)
	if err != nil {
		return nil, s.fail(fmt.Errorf("%s: %w", s.KeyFile, err), "")
	}
	return key, nil
}

func (s Source) passphrase(first bool) (*Key, error) {
	text, err := read(s.PassphraseFile)
	if err != nil {
		return nil, s.fail(err, "")
	}
	salt, err := read(filepath.Join(s.Dir, saltFile))
	if errors.Is(err, fs.ErrNotExist) && first {
		salt = make([]byte, saltBytes)
		if _, err = rand.Read(salt); err == nil {
			err = write(filepath.Join(s.Dir, saltFile), salt)
		}
	}
	if err != nil {
		return nil, s.fail(err, "")
	}
	key, err := FromPassphrase(string(bytes.TrimRight(text, "\r\n")), salt)
	if err != nil {
		return nil, s.fail(err, "")
	}
	return key, nil
}

func (s Source) command(ctx context.Context) (*Key, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.Command[0], s.Command[1:]...)
	var told limited
	cmd.Stderr = &told
	out, err := cmd.Output()
	if err != nil {
		return nil, s.fail(fmt.Errorf("%s: %w: %s", s.Command[0], err, bytes.TrimSpace(told.b)), "")
	}
	key, err := ParseKey(out)
	if err != nil {
		return nil, s.fail(fmt.Errorf("%s: %w", s.name(), err), "")
	}
	return key, nil
}

// limited keeps the beginning of what is written.
type limited struct{ b []byte }

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	l.b = append(l.b, p[:min(len(p), maxSecret-len(l.b))]...)
	return len(p), nil
}

func read(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err == nil && len(b) > maxSecret {
		return nil, fmt.Errorf("%s has %d bytes; at most %d are read", path, len(b), maxSecret)
	}
	return b, err
}

// write makes a file that must not be there yet, of mode 0600, and makes sure that it is on the disk.
func write(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := durable.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil { // Why: unlike a rename it replaces nothing
		return err
	}
	return durable.SyncDir(dir)
}
