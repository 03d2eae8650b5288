package server

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/hashicorp/raft"
	"github.com/klauspost/compress/s2"

	"berth/internal/atrest"
)

// memoryStorage is a storage in memory.
type memoryStorage struct{ *raft.InmemStore }

func (memoryStorage) Close() error { return nil }

func get(t *testing.T, s storage, index uint64) raft.Log {
	t.Helper()
	var l raft.Log
	if err := s.GetLog(index, &l); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLargeEntriesArePackedAndReadAsTheyWere(t *testing.T) {
	alike := []byte(strings.Repeat(`{"Name":"web","Count":3}`, 1000))
	noise := make([]byte, 5000)
	if _, err := rand.Read(noise); err != nil {
		t.Fatal(err)
	}
	for _, key := range []bool{false, true} {
		var sealer *atrest.Sealer
		if key {
			var err error
			if sealer, err = atrest.NewSealer(sealKey(t)); err != nil {
				t.Fatal(err)
			}
		}
		disk := memoryStorage{raft.NewInmemStore()}
		older := sealedLog{summed{disk}, sealer} // as it was before entries were packed
		packed := newPackedLog(older)
		var logs []*raft.Log
		for i, data := range [][]byte{nil, []byte("short"), alike[:packFrom-1], alike[:packFrom], noise, alike, append(bytes.Clone(noise), alike...)} {
			logs = append(logs, &raft.Log{Index: uint64(i + 1), Term: 3, Data: data})
		}
		logs[1].Extensions = []byte{sumPacked} // another server must not say what is packed here
		for range 2 {                          // the second time in memory that was used
			if err := packed.StoreLogs(logs); err != nil {
				t.Fatal(err)
			}
		}
		for _, l := range logs {
			if got := get(t, packed, l.Index); !bytes.Equal(got.Data, l.Data) || got.Term != 3 || len(got.Extensions) > 0 {
				t.Errorf("entry %d has %d bytes and %d of extensions, want %d", l.Index, len(got.Data), len(got.Extensions), len(l.Data))
			}
		}
		if l := get(t, disk, 6); len(l.Data) > len(alike)/8 {
			t.Errorf("%d bytes that repeat themselves are %d on the disk", len(alike), len(l.Data))
		}
		if l := get(t, disk, 5); len(l.Data) < len(noise) {
			t.Errorf("%d bytes of noise are %d on the disk", len(noise), len(l.Data))
		}
		if l := get(t, older, 5); isPacked(&l) {
			t.Error("what gets no shorter is packed")
		}

		before := &raft.Log{Index: 8, Term: 3, Data: alike}
		if err := older.StoreLog(before); err != nil {
			t.Fatal(err)
		}
		if got := get(t, packed, 8); !bytes.Equal(got.Data, alike) {
			t.Errorf("an entry of before is read as %d bytes", len(got.Data))
		}
	}
}

// A program from before packing compares a checksum of the plain form.
func TestWhoDoesNotKnowOfPackedEntriesTakesNone(t *testing.T) {
	disk := memoryStorage{raft.NewInmemStore()}
	if err := newPackedLog(sealedLog{summed{disk}, nil}).StoreLog(&raft.Log{Index: 1, Data: bytes.Repeat([]byte("a"), packFrom)}); err != nil {
		t.Fatal(err)
	}
	if l := get(t, disk, 1); string(l.Extensions) == string(sum(&l, sumPlain)) {
		t.Error("the checksum is that of an entry in clear")
	}
}

func TestADamagedPackedEntryIsTold(t *testing.T) {
	disk := memoryStorage{raft.NewInmemStore()}
	packed := newPackedLog(sealedLog{summed{disk}, nil})
	if err := packed.StoreLog(&raft.Log{Index: 1, Data: bytes.Repeat([]byte("abc"), packFrom)}); err != nil {
		t.Fatal(err)
	}
	l := get(t, disk, 1)
	for i := range l.Data {
		bad := l
		bad.Data = bytes.Clone(l.Data)
		bad.Data[i] ^= 4
		if err := disk.StoreLog(&bad); err != nil {
			t.Fatal(err)
		}
		if err := packed.GetLog(1, &raft.Log{}); !errors.Is(err, errChecksum) {
			t.Fatalf("byte %d is another: %v", i, err)
		}
	}
	bad := l // what does not unpack, with a checksum that is right
	bad.Data = []byte("\xff\xff\xff\xff\x7f")
	bad.Extensions = sum(&bad, sumPacked)
	if err := disk.StoreLog(&bad); err != nil {
		t.Fatal(err)
	}
	if err := packed.GetLog(1, &raft.Log{}); err == nil || !strings.Contains(err.Error(), "entry 1: unpack") {
		t.Errorf("read what cannot be unpacked: %v", err)
	}
	bad.Data = binary.AppendUvarint(nil, unpackedMax+1) // what says that it becomes more than any entry is
	bad.Extensions = sum(&bad, sumPacked)
	if err := disk.StoreLog(&bad); err != nil {
		t.Fatal(err)
	}
	if err := packed.GetLog(1, &raft.Log{}); !errors.Is(err, s2.ErrTooLarge) {
		t.Errorf("made room for what is too large: %v", err)
	}
}
