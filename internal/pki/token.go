package pki

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"net"
	"strconv"
	"strings"
	"time"

	"berth/structs"
)

// Sizes of a join token.
const (
	secretBytes   = 32
	maxAddresses  = 8
	maxAddress    = 255
	maxTokenText  = 4 << 10
	tokenVersion  = 1
	tokenPrefix   = "berth-join-"
	tokenFixed    = 1 + 1 + 8 + 16 + sha256.Size + secretBytes + 1 // version … number of addresses
	checksumBytes = 4
)

// SecretHash is what the cluster keeps of a token's secret.
type SecretHash [sha256.Size]byte

// Token lets a machine join: it names the cluster by its root's digest, says where its servers are, which role may be had with
// it until when, and holds a secret of which the cluster knows only the hash.
type Token struct {
	ID        structs.ID
	Role      Role
	Expires   time.Time // whole seconds
	CA        Digest
	Addresses []string // host:port of servers, at most 8; may be empty
	secret    [secretBytes]byte
}

// NewToken draws a token's secret.
func NewToken(id structs.ID, role Role, expires time.Time, ca Digest, addresses []string) (*Token, error) {
	t := &Token{ID: id, Role: role, Expires: expires.UTC().Truncate(time.Second), CA: ca, Addresses: addresses}
	if !role.OfToken() {
		return nil, fmt.Errorf("make a join token: role %q is none of %q, %q and %q", role, RoleServer, RoleClient, RoleRegion)
	}
	if len(addresses) > maxAddresses {
		t.Addresses = addresses[:maxAddresses]
	}
	for _, a := range t.Addresses {
		if err := CheckAddress(a); err != nil {
			return nil, fmt.Errorf("make a join token: %w", err)
		}
	}
	if _, err := rand.Read(t.secret[:]); err != nil {
		return nil, fmt.Errorf("draw a join token's secret: %w", err)
	}
	return t, nil
}

// CheckAddress tells what is wrong with an address of a server, host:port.
func CheckAddress(a string) error {
	host, port, err := net.SplitHostPort(a)
	if err != nil || host == "" || len(a) > maxAddress {
		return fmt.Errorf("address %q is not host:port", a)
	}
	for _, r := range a {
		if r <= ' ' || r > '~' {
			return fmt.Errorf("address %q is not host:port", a)
		}
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("address %q: the port is a number from 1 to 65535", a)
	}
	return nil
}

// Hash is what the cluster keeps.
func (t *Token) Hash() SecretHash { return sha256.Sum256(t.secret[:]) }

// Matches reports whether the token's secret is the one of a hash; it takes the same time whether it is or not.
func (t *Token) Matches(h SecretHash) bool {
	own := t.Hash()
	return subtle.ConstantTimeCompare(own[:], h[:]) == 1
}

// String hides the secret: a token that is printed by mistake helps nobody.
func (t *Token) String() string { return tokenPrefix + string(t.Role) + "-" + t.ID.Short() + "-…" }

// Text is the token as people pass it on: berth-join-<role>-<letters>.
func (t *Token) Text() string {
	b := make([]byte, 0, tokenFixed+64)
	b = append(b, tokenVersion, roleCode[t.Role])
	b = binary.BigEndian.AppendUint64(b, uint64(t.Expires.Unix()))
	b = append(b, t.ID[:]...)
	b = append(b, t.CA[:]...)
	b = append(b, t.secret[:]...)
	b = append(b, byte(len(t.Addresses)))
	for _, a := range t.Addresses {
		b = append(b, byte(len(a)))
		b = append(b, a...)
	}
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return tokenPrefix + string(t.Role) + "-" + base64.RawURLEncoding.EncodeToString(b)
}

var roleCode = map[Role]byte{RoleServer: 1, RoleClient: 2, RoleRegion: 3}

// ParseToken reads the text form. White space around it and line breaks inside are ignored; a token that was cut off or mistyped is told from one that
// is none.
func ParseToken(text string) (*Token, error) {
	text = strings.TrimSpace(text)
	fail := func(format string, args ...any) (*Token, error) {
		return nil, &structs.Error{Op: "read the join token", Kind: structs.KindInvalid, Err: fmt.Errorf(format, args...),
			Hint: "`berth operator join-token create` on a server prints a new one"}
	}
	if len(text) > maxTokenText {
		return fail("it has %d characters; a token has at most %d", len(text), maxTokenText)
	}
	rest, ok := strings.CutPrefix(text, tokenPrefix)
	role, letters, ok2 := strings.Cut(rest, "-")
	if !ok || !ok2 || !Role(role).OfToken() {
		return fail("it does not begin with %sserver-, %sclient- or %sregion-", tokenPrefix, tokenPrefix, tokenPrefix)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(letters)
	if err != nil {
		return fail("it was cut off or mistyped: it holds a character that no token has, or lacks its end")
	}
	if len(b) < tokenFixed+checksumBytes {
		return fail("it is too short: a part of it was not copied")
	}
	body, sum := b[:len(b)-checksumBytes], b[len(b)-checksumBytes:]
	if crc32.ChecksumIEEE(body) != binary.BigEndian.Uint32(sum) {
		return fail("it was cut off or mistyped")
	}
	t, err := decodeToken(body)
	if err != nil {
		return fail("%w", err)
	}
	if t.Role != Role(role) {
		return fail("it says %s outside and %s inside", role, t.Role)
	}
	return t, nil
}

func decodeToken(b []byte) (*Token, error) {
	if b[0] != tokenVersion {
		return nil, fmt.Errorf("it is of form %d, which a newer Berth made; this one reads form %d", b[0], tokenVersion)
	}
	t := &Token{}
	for role, code := range roleCode {
		if code == b[1] {
			t.Role = role
		}
	}
	seconds := binary.BigEndian.Uint64(b[2:10])
	if t.Role == "" || seconds > 1<<40 {
		return nil, errors.New("its role or its expiry is none")
	}
	t.Expires = time.Unix(int64(seconds), 0).UTC()
	b = b[10:]
	b = b[copy(t.ID[:], b[:16]):]
	b = b[copy(t.CA[:], b[:sha256.Size]):]
	b = b[copy(t.secret[:], b[:secretBytes]):]
	n := int(b[0])
	b = b[1:]
	if n > maxAddresses {
		return nil, fmt.Errorf("it names %d addresses; at most %d are read", n, maxAddresses)
	}
	for range n {
		if len(b) == 0 || len(b) < 1+int(b[0]) {
			return nil, errors.New("its addresses are cut off")
		}
		a := string(b[1 : 1+int(b[0])])
		if err := CheckAddress(a); err != nil {
			return nil, err
		}
		t.Addresses = append(t.Addresses, a)
		b = b[1+len(a):]
	}
	if len(b) != 0 {
		return nil, errors.New("something follows its addresses")
	}
	return t, nil
}

// CheckTime tells whether the token may still be used; the error names both times.
func (t *Token) CheckTime(now time.Time) error {
	if now.Before(t.Expires) {
		return nil
	}
	return &structs.Error{Op: "join with token", Subject: t.ID.Short(), Kind: structs.KindUnauthorised,
		Err:  fmt.Errorf("the token expired at %s, and the clock of the machine that checks it says %s", utc(t.Expires), utc(now)),
		Hint: "compare `date -u` on both machines; if the clocks are right, `berth operator join-token create` on a server prints a new one"}
}
