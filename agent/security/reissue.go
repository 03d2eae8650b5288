package security

import (
	"crypto/x509"
	"errors"
	"io/fs"
	"time"

	"berth/internal/pki"
	"berth/server/authority"
	"berth/structs"
)

// Reissue gives a server whose id has changed a certificate for the new one, signed with the cluster's key that it has. Without a
// certificate there is nothing to do.
func Reissue(dir string, id structs.ID, now time.Time) error {
	creds, err := pki.Load(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	key, err := pki.LoadClusterKey(dir)
	if err != nil {
		return err
	}
	root, err := key.LoadRoot(dir)
	if err != nil {
		return err
	}
	own := creds.ID
	own.ID = id
	fresh, err := authority.SelfIssue(root, pki.NewBundle(append([]*x509.Certificate{root.Cert}, creds.Trusted.Roots()...)...), own, now, pki.LeafTTL)
	if err != nil {
		return err
	}
	return fresh.Save(dir)
}
