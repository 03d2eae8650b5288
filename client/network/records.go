package network

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
)

// recordFile is the name of an allocation's record in its folder of StateDir.
const recordFile = "network.json"

// record is what is remembered of one allocation: what was asked, and the address it got.
type record struct {
	Request Request
	// IP is invalid outside ModeBridge.
	IP netip.Addr
}

// elements are the nftables entries of the record.
func (r record) elements(bridge string) []element {
	if r.Request.Mode != ModeBridge || !r.IP.IsValid() {
		return nil
	}
	return elementsOf(r.IP, vethName(bridge, r.Request.AllocID), r.Request.Ports)
}

// elementsOfAll are the nftables entries of all records that have any, by allocation id.
func elementsOfAll(records map[string]record, bridge string) map[string][]element {
	out := map[string][]element{}
	for id, r := range records {
		if elements := r.elements(bridge); elements != nil {
			out[id] = elements
		}
	}
	return out
}

func (c Config) allocDir(allocID string) string { return filepath.Join(c.StateDir, allocID) }

func (c Config) netNSPath(allocID string) string {
	return filepath.Join(c.NetNSDir, c.Bridge, allocID)
}

// writeRecord makes the allocation's folder and puts the record there.
func (c Config) writeRecord(r record) error {
	dir := c.allocDir(r.Request.AllocID)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode network record: %w", err)
	}
	return writeFile(filepath.Join(dir, recordFile), string(text)+"\n")
}

// readRecords reads every allocation's record. Folders without a readable record are returned as broken: they are
// something Berth made, but what is no longer known.
func (c Config) readRecords() (records map[string]record, broken map[string]error, err error) {
	records, broken = map[string]record{}, map[string]error{}
	ids, err := subfolders(c.StateDir)
	if err != nil {
		return nil, nil, err
	}
	for _, id := range ids {
		r, err := readRecord(filepath.Join(c.allocDir(id), recordFile), id)
		if err != nil {
			broken[id] = err
			continue
		}
		records[id] = r
	}
	return records, broken, nil
}

func readRecord(path, allocID string) (record, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return record{}, err
	}
	return decodeRecord(text, allocID)
}

// decodeRecord parses and checks a record: a damaged file must not become rules in the kernel.
func decodeRecord(text []byte, allocID string) (record, error) {
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return record{}, fmt.Errorf("decode network record: %w", err)
	}
	if r.Request.AllocID != allocID {
		return record{}, fmt.Errorf("network record is of allocation %q", r.Request.AllocID)
	}
	if r.IP.IsValid() && !r.IP.Is4() {
		return record{}, fmt.Errorf("network record has address %s, which is not IPv4", r.IP)
	}
	return r, r.Request.validate()
}

// subfolders lists the entries of a folder that are named like allocations; none when there is no folder.
func subfolders(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list allocations: %w", err)
	}
	var out []string
	for _, e := range entries {
		if allocIDPattern.MatchString(e.Name()) {
			out = append(out, e.Name())
		}
	}
	return out, nil
}
