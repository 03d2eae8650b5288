package structs

// AuthorityRoot is one certificate authority of the cluster. One is active and issues; the others are trusted until the last
// certificate they issued has ended.
type AuthorityRoot struct {
	ID          string // SHA-256 of Certificate, hex
	Certificate []byte // DER
	// Cross is the active root's key certified by the root before it; empty for the first.
	Cross []byte
	// SealedKey is the private key, sealed with a key only servers have and that is never in the state.
	SealedKey []byte
	Active    bool
	CreatedAt int64 // Unix ns
	// RetireAt is when a root that is no longer active may be forgotten; Unix ns, 0 while it is active.
	RetireAt    int64
	CreateIndex uint64
	ModifyIndex uint64
}

// JoinToken lets machines join. The state knows a hash of its secret alone.
type JoinToken struct {
	ID          ID
	Role        string // "server", "client" or "region"
	Hash        []byte // SHA-256 of the secret
	Description string
	CreatedAt   int64 // Unix ns
	ExpiresAt   int64 // Unix ns
	// MaxUses is how often it may be used, 0 without bound; Uses is how often it was.
	MaxUses     int
	Uses        int
	LastUsedAt  int64  // Unix ns
	LastUsedBy  string // id and address of the machine that joined last
	CreateIndex uint64
	ModifyIndex uint64
}

// CertificateRevocation makes certificates of this cluster worthless before they end.
type CertificateRevocation struct {
	// Name is the id of a machine, all of whose certificates it is about, or the serial number of one certificate in hex.
	Name      string
	Reason    string
	RevokedAt int64 // Unix ns
	// ExpiresAt is when all certificates it is about have ended for good, and it may be forgotten; Unix ns.
	ExpiresAt   int64
	CreateIndex uint64
	ModifyIndex uint64
}

// CertificateRevokeCommand stores a revocation; its RevokedAt is the command's time. One that is there stays as it is.
type CertificateRevokeCommand struct{ Revocation *CertificateRevocation }

// AuthorityRootCommand adds a root and makes it the active one; the one before is trusted until RetireAt.
type AuthorityRootCommand struct {
	Root *AuthorityRoot
	// Previous must be the id of the active root, empty when there is none: two servers cannot both add one.
	Previous string
	RetireAt int64 // Unix ns
}

// JoinTokenCommand stores a token.
type JoinTokenCommand struct{ Token *JoinToken }

// JoinTokenDeleteCommand forgets tokens.
type JoinTokenDeleteCommand struct{ IDs []ID }

// JoinTokenUseCommand uses a token once. It is refused when the token is unknown, expired, used up, or the hash is another.
type JoinTokenUseCommand struct {
	ID   ID
	Hash []byte
	By   string
}
