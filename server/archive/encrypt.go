package archive

import (
	"errors"
	"fmt"
	"io"
	"os"

	"filippo.io/age"

	"berth/structs"
)

// ageMark is how files begin that are encrypted to an age key.
const ageMark = "age-encryption.org/v1"

// Recipients are the public keys an archive is encrypted to.
type Recipients []age.Recipient

// ParseRecipients reads public keys, "age1...".
func ParseRecipients(texts []string) (Recipients, error) {
	var out Recipients
	for _, text := range texts {
		r, err := age.ParseX25519Recipient(text)
		if err != nil {
			return nil, &structs.Error{Kind: structs.KindInvalid, Err: fmt.Errorf("%q is not the public key of an age key: %w", text, err),
				Hint: "it begins with age1; `age-keygen -y FILE` prints it"}
		}
		out = append(out, r)
	}
	return out, nil
}

// Encrypt gives a writer whose data comes out encrypted; Close ends it. Without recipients it passes everything on.
func (r Recipients) Encrypt(w io.Writer) (io.WriteCloser, error) {
	if len(r) == 0 {
		return plain{w}, nil
	}
	return age.Encrypt(w, r...)
}

type plain struct{ io.Writer }

// Close implements io.Closer.
func (plain) Close() error { return nil }

// maxIdentity bounds a file with keys, in bytes.
const maxIdentity = 1 << 20

// Decrypt gives what is in an archive that may be encrypted. identity is the file with the key, "" when there is none; it is read only when
// it is needed.
func Decrypt(r io.Reader, identity string) (io.Reader, error) {
	encrypted, r, err := begins(r, ageMark)
	if err != nil || !encrypted {
		return r, err
	}
	if identity == "" {
		return nil, ErrEncrypted
	}
	file, err := os.Open(identity)
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	ids, err := age.ParseIdentities(io.LimitReader(file, maxIdentity))
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, &structs.Error{Op: "read the key", Subject: identity, Kind: structs.KindInvalid, Err: err, Hint: "`age-keygen` makes such a file"}
	}
	plain, err := age.Decrypt(r, ids...)
	if err != nil {
		return nil, &structs.Error{Op: "decrypt the snapshot with", Subject: identity, Kind: structs.KindInvalid, Err: err}
	}
	return plain, nil
}
