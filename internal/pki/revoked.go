package pki

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"berth/structs"
)

// Revoked are certificates that are worthless though they have not ended: by the id of their machine or by their own serial number, each
// with the time it was revoked and why. Immutable.
type Revoked map[string]Revocation

// Revocation is when and why.
type Revocation struct {
	At     time.Time
	Reason string
}

// maxSerial is how many bytes a serial number has at most (RFC 5280).
const maxSerial = 20

// Serial is a certificate's serial number as people write it: lower-case hex.
func Serial(c *x509.Certificate) string { return fmt.Sprintf("%x", c.SerialNumber) }

// RevocationName reads what a person names: the id of a machine, or a serial number in hex, with or without colons.
func RevocationName(text string) (string, error) {
	if id, err := structs.ParseID(text); err == nil && !id.IsZero() {
		return id.String(), nil
	}
	hex := strings.TrimLeft(strings.ToLower(strings.ReplaceAll(text, ":", "")), "0")
	if hex == "" || len(hex) > 2*maxSerial || strings.Trim(hex, "0123456789abcdef") != "" {
		return "", &structs.Error{Kind: structs.KindInvalid, Subject: fmt.Sprintf("%.60q", text),
			Err:  errors.New("is neither the whole id of a machine nor the serial number of a certificate in hex"),
			Hint: "`berth node status -verbose` and `berth operator raft list-peers` show ids"}
	}
	return hex, nil
}

// Check refuses a certificate that was revoked, by itself or with all of its machine.
func (r Revoked) Check(c *x509.Certificate, id structs.ID) error {
	if len(r) == 0 {
		return nil
	}
	for _, name := range []string{id.String(), Serial(c)} {
		v, found := r[name]
		if !found {
			continue
		}
		why := ""
		if v.Reason != "" {
			why = ": " + v.Reason
		}
		return refused(fmt.Errorf("the certificate %s of machine %s was revoked at %s%s", Serial(c), id, utc(v.At), why),
			"a machine that is to come back gets an identity of its own: start it with an empty data directory and a new join token, or take the revocation back with "+
				"`berth operator ca reinstate`")
	}
	return nil
}
