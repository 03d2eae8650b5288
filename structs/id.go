package structs

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// ID names an evaluation, allocation, node or deployment: the 16 bytes of a UUID (RFC 9562). Its text form exists only at
// the edge. The zero ID is "none" and its text is the empty string.
type ID [16]byte

// ParseID reads the 36-character text form, in any case. The empty string is the zero ID.
func ParseID(s string) (ID, error) {
	var id ID
	return id, id.UnmarshalText([]byte(s))
}

// MustID is ParseID for constants in tests; it panics on bad text.
func MustID(s string) ID {
	id, err := ParseID(s)
	if err != nil {
		panic(err)
	}
	return id
}

// IsZero reports that the id names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// Compare orders ids by their bytes.
func (id ID) Compare(o ID) int {
	if a, b := binary.BigEndian.Uint64(id[:]), binary.BigEndian.Uint64(o[:]); a != b {
		return cmp.Compare(a, b)
	}
	return cmp.Compare(binary.BigEndian.Uint64(id[8:]), binary.BigEndian.Uint64(o[8:]))
}

// String is the UUID text, or "" for the zero ID.
func (id ID) String() string {
	if id.IsZero() {
		return ""
	}
	return string(id.Append(make([]byte, 0, 36)))
}

// Short is the first eight characters, as shown to people.
func (id ID) Short() string {
	if id.IsZero() {
		return ""
	}
	return hex.EncodeToString(id[:4])
}

// Append adds the UUID text, that of the zero ID in full.
func (id ID) Append(b []byte) []byte {
	for i, part := range [5][]byte{id[0:4], id[4:6], id[6:8], id[8:10], id[10:16]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return b
}

// MarshalText implements encoding.TextMarshaler.
func (id ID) MarshalText() ([]byte, error) {
	if id.IsZero() {
		return []byte{}, nil
	}
	return id.Append(make([]byte, 0, 36)), nil
}

// UnmarshalText implements encoding.TextUnmarshaler. The empty text is the zero ID.
func (id *ID) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*id = ID{}
		return nil
	}
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return fmt.Errorf("%.64q is not a UUID (want 8-4-4-4-12 hexadecimal digits)", text)
	}
	var digits [32]byte
	n := 0
	for i, c := range text {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			continue
		}
		digits[n] = c
		n++
	}
	if _, err := hex.Decode(id[:], digits[:]); err != nil {
		return fmt.Errorf("%.64q is not a UUID (want 8-4-4-4-12 hexadecimal digits)", text)
	}
	return nil
}
