package membership

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hashicorp/memberlist"
	"github.com/hashicorp/serf/serf"

	"berth/structs"
)

// keyring is the keys gossip is encrypted with: those that were stored, else the configured one; nil without any.
func (m *Membership) keyring() (*memberlist.Keyring, error) {
	if m.cfg.Dir != "" {
		path := filepath.Join(m.cfg.Dir, keyringFile)
		raw, err := os.ReadFile(path)
		if err == nil {
			return readKeys(path, raw)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read the keys of gossip: %w", err)
		}
	}
	if len(m.cfg.Key) == 0 {
		return nil, nil
	}
	return memberlist.NewKeyring(nil, m.cfg.Key)
}

func readKeys(path string, raw []byte) (*memberlist.Keyring, error) {
	bad := func(err error) error {
		return &structs.Error{Kind: structs.KindInvalid, Subject: "the keys of gossip " + path, Err: fmt.Errorf("cannot be read: %w", err),
			Hint: "remove the file: server.encrypt is taken then"}
	}
	var texts []string
	if err := json.Unmarshal(raw, &texts); err != nil {
		return nil, bad(err)
	}
	var keys [][]byte
	for _, text := range texts {
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, bad(err)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, bad(errors.New("there is none"))
	}
	ring, err := memberlist.NewKeyring(keys, keys[0])
	if err != nil {
		return nil, bad(err)
	}
	return ring, nil
}

// Keys is what the members answered to an operation on their keys.
type Keys struct {
	Keys        map[string]int    // base64: how many members have it
	PrimaryKeys map[string]int    // the same for those they encrypt with
	Messages    map[string]string // by member, of those that refused
	NumNodes    int
	NumResp     int
	NumErr      int
}

// ListKeys, InstallKey, UseKey and RemoveKey work on the keys of all members. Keys are base64.
func (m *Membership) ListKeys() (*Keys, error) {
	return m.keys(func(k *serf.KeyManager) (*serf.KeyResponse, error) { return k.ListKeys() })
}

// InstallKey gives all members a key to decrypt with.
func (m *Membership) InstallKey(key string) (*Keys, error) {
	return m.keys(func(k *serf.KeyManager) (*serf.KeyResponse, error) { return k.InstallKey(key) })
}

// UseKey makes all members encrypt with an installed key.
func (m *Membership) UseKey(key string) (*Keys, error) {
	return m.keys(func(k *serf.KeyManager) (*serf.KeyResponse, error) { return k.UseKey(key) })
}

// RemoveKey takes a key from all members that do not encrypt with it.
func (m *Membership) RemoveKey(key string) (*Keys, error) {
	return m.keys(func(k *serf.KeyManager) (*serf.KeyResponse, error) { return k.RemoveKey(key) })
}

func (m *Membership) keys(f func(*serf.KeyManager) (*serf.KeyResponse, error)) (*Keys, error) {
	s, err := m.running()
	if err != nil {
		return nil, err
	}
	if !s.EncryptionEnabled() {
		return nil, &structs.Error{Kind: structs.KindInvalid, Err: errors.New("gossip is not encrypted: there are no keys"),
			Hint: "set server { encrypt = ... } on every server"}
	}
	resp, err := f(s.KeyManager())
	if resp == nil {
		return nil, err
	}
	out := &Keys{Keys: resp.Keys, PrimaryKeys: resp.PrimaryKeys, Messages: resp.Messages, NumNodes: resp.NumNodes, NumResp: resp.NumResp, NumErr: resp.NumErr}
	if err != nil {
		return out, &structs.Error{Kind: structs.KindConflict, Err: errors.New(oneLine(err))}
	}
	return out, nil
}
