package config

import (
	"path/filepath"
	"time"

	"berth/server/archive"
	"berth/server/backup"
)

// defaultKeep is what of the scheduled snapshots is kept when nothing is said.
var defaultKeep = backup.Keep{Last: 24, Daily: 7, Weekly: 4}

// defaultEvery is how often one is saved when nothing is said.
const defaultEvery = time.Hour

type backupBlock struct {
	Every         *string    `hcl:"every,optional"`
	Directory     *string    `hcl:"directory,optional"`
	S3            *s3Block   `hcl:"s3,block"`
	Keep          *keepBlock `hcl:"keep,block"`
	AgeRecipients []string   `hcl:"age_recipients,optional"`
}

type s3Block struct {
	Endpoint  *string `hcl:"endpoint,optional"`
	Bucket    string  `hcl:"bucket"`
	Prefix    *string `hcl:"prefix,optional"`
	Region    *string `hcl:"region,optional"`
	PathStyle *bool   `hcl:"path_style,optional"`
	AccessKey *string `hcl:"access_key_id,optional"`
	SecretKey *string `hcl:"secret_access_key,optional"`
	Token     *string `hcl:"session_token,optional"`
	CAFile    *string `hcl:"ca_file,optional"`
}

type keepBlock struct {
	Last    *int `hcl:"last,optional"`
	Hourly  *int `hcl:"hourly,optional"`
	Daily   *int `hcl:"daily,optional"`
	Weekly  *int `hcl:"weekly,optional"`
	Monthly *int `hcl:"monthly,optional"`
}

// backup takes over the backup block. A later file's replaces it.
func (b *builder) backup(f *backupBlock) {
	p := &backup.Plan{Every: defaultEvery, Keep: defaultKeep}
	b.duration(&p.Every, f.Every, "server.backup.every")
	if p.Every < backup.MinEvery {
		b.fail("server.backup.every = %s is too short; use at least %s", p.Every, backup.MinEvery)
	}
	if f.Keep != nil {
		p.Keep = b.keep(f.Keep)
	}
	var err error
	if p.Recipients, err = archive.ParseRecipients(f.AgeRecipients); err != nil {
		b.fail("server.backup.age_recipients: %v", err)
	}
	switch {
	case (f.Directory != nil) == (f.S3 != nil):
		b.fail("server.backup: name one target, directory = \"/...\" or s3 { bucket = ... }")
	case f.Directory != nil && !filepath.IsAbs(*f.Directory):
		b.fail("server.backup.directory = %q is not an absolute path", *f.Directory)
	case f.Directory != nil:
		p.Target = backup.Directory{Path: filepath.Clean(*f.Directory)}
	default:
		c := backup.S3Config{Bucket: f.S3.Bucket}
		set(&c.Endpoint, f.S3.Endpoint)
		set(&c.Prefix, f.S3.Prefix)
		set(&c.Region, f.S3.Region)
		set(&c.PathStyle, f.S3.PathStyle)
		set(&c.AccessKey, f.S3.AccessKey)
		set(&c.SecretKey, f.S3.SecretKey)
		set(&c.SessionToken, f.S3.Token)
		set(&c.CAFile, f.S3.CAFile)
		s3, err := backup.NewS3(c)
		if err != nil {
			b.fail("server.backup.s3: %v", err)
			return
		}
		p.Target = s3
	}
	b.c.Server.Backup = p
}

// keep reads the keep block: what it does not name is 0.
func (b *builder) keep(f *keepBlock) backup.Keep {
	var k backup.Keep
	sum := 0
	for _, r := range []struct {
		name string
		to   *int
		from *int
	}{{"last", &k.Last, f.Last}, {"hourly", &k.Hourly, f.Hourly}, {"daily", &k.Daily, f.Daily}, {"weekly", &k.Weekly, f.Weekly}, {"monthly", &k.Monthly, f.Monthly}} {
		set(r.to, r.from)
		if *r.to < 0 || *r.to > backup.MaxKeep {
			b.fail("server.backup.keep.%s = %d: use 0 to %d", r.name, *r.to, backup.MaxKeep)
		}
		sum += *r.to
	}
	if sum == 0 {
		b.fail("server.backup.keep keeps nothing: set last, hourly, daily, weekly or monthly")
	}
	return k
}
