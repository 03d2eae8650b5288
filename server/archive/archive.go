package archive

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"berth/structs"
)

// Form is the version of the archive's form. Append only.
const Form = 1

// Bounds, in bytes.
const (
	// MaxState bounds state.bin.
	MaxState = 16 << 30
	maxMeta  = 1 << 20
	maxSums  = 4 << 10
	// MaxBytes bounds an archive.
	MaxBytes = MaxState + maxMeta + maxSums + 1<<20
	// maxGrowth is how many times larger than what was read of the archive a file may become on the disk, beside growthSpare bytes. A state is
	// compressed itself: an honest one hardly grows.
	maxGrowth   = 64
	growthSpare = 1 << 20
)

// Names in the archive, in their order.
const (
	metaName  = "meta.json"
	stateName = "state.bin"
	sumsName  = "SHA256SUMS"
)

// Meta says what state an archive holds. Its first fields are those of Nomad's and Consul's archives.
type Meta struct {
	Version            int    // Form
	ID                 string // "<term>-<index>-<time in ms>"
	Index              uint64 // of the log
	Term               uint64
	Configuration      Configuration
	ConfigurationIndex uint64
	Size               int64 // of state.bin, bytes
	// Berth is set by Berth alone.
	Berth *About
}

// Configuration are the servers of the cluster.
type Configuration struct{ Servers []Server }

// Server is one of them.
type Server struct {
	Suffrage int // 0 has a vote, 1 has none
	ID       string
	Address  string
}

// About says which program wrote an archive, when and where.
type About struct {
	Version   string
	Region    string
	Server    string // its name
	CreatedAt time.Time
}

// Write writes an archive of a state of meta.Size bytes.
func Write(w io.Writer, meta Meta, state io.Reader) error {
	if err := write(w, meta, state); err != nil {
		return fmt.Errorf("write the archive: %w", err)
	}
	return nil
}

func write(w io.Writer, meta Meta, state io.Reader) error {
	if meta.Berth == nil {
		return errors.New("it is not said who wrote it")
	}
	meta.Version = Form
	text, err := json.MarshalIndent(meta, "", "  ")
	if err != nil {
		return err
	}
	z, err := gzip.NewWriterLevel(w, gzip.NoCompression) // the state is compressed already
	if err != nil {
		return err
	}
	t := tar.NewWriter(z)
	at := meta.Berth.CreatedAt.Truncate(time.Second)
	sums := ""
	put := func(name string, size int64, from io.Reader) error {
		if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600, Size: size, ModTime: at, Format: tar.FormatPAX}); err != nil {
			return err
		}
		sum := sha256.New()
		n, err := io.Copy(io.MultiWriter(t, sum), from)
		if err == nil && n != size {
			err = fmt.Errorf("%s has %d bytes, not %d", name, n, size)
		}
		sums += hex.EncodeToString(sum.Sum(nil)) + "  " + name + "\n"
		return err
	}
	if err := put(metaName, int64(len(text)), bytes.NewReader(text)); err != nil {
		return err
	}
	if err := put(stateName, meta.Size, state); err != nil {
		return err
	}
	if err := put(sumsName, int64(len(sums)), strings.NewReader(sums)); err != nil {
		return err
	}
	return errors.Join(t.Close(), z.Close())
}

// ErrEncrypted is an archive that is encrypted to an age key.
var ErrEncrypted = &structs.Error{Kind: structs.KindInvalid, Err: errors.New("the snapshot is encrypted to an age key"),
	Hint: "give the file of the key: -identity=FILE"}

// bad is an archive that cannot be used.
func bad(format string, args ...any) error {
	return &structs.Error{Op: "read the snapshot", Kind: structs.KindInvalid, Err: fmt.Errorf(format, args...)}
}

// Read reads a whole archive and checks it. The state goes to the writer as it comes: only once Read has returned without an error is it
// whole.
func Read(r io.Reader, state io.Writer) (*Meta, error) {
	in := &counted{r: r}
	b := bufio.NewReaderSize(in, 64<<10)
	head, err := b.Peek(len(ageMark))
	switch {
	case len(head) == 0 && errors.Is(err, io.EOF):
		return nil, bad("the file is empty")
	case err != nil && !errors.Is(err, io.EOF):
		return nil, readError(err)
	case string(head) == ageMark:
		return nil, ErrEncrypted
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, bad("it is not a snapshot archive: it does not begin as a gzip file does")
	}
	z.Multistream(false) // what follows is told
	meta, err := read(tar.NewReader(z), &growing{state, in, 0})
	if err != nil {
		return nil, err
	}
	// The end of the gzip stream has its checksum.
	if n, err := io.Copy(io.Discard, io.LimitReader(z, 1<<20)); err != nil {
		return nil, readError(err)
	} else if n == 1<<20 {
		return nil, bad("something follows its end")
	}
	if _, err := b.ReadByte(); !errors.Is(err, io.EOF) {
		return nil, bad("something follows its end")
	}
	return meta, nil
}

func read(t *tar.Reader, state io.Writer) (*Meta, error) {
	var text, sums bytes.Buffer
	got := map[string]string{}
	take := func(name string, limit int64, into io.Writer) (int64, error) {
		h, err := t.Next()
		switch {
		case errors.Is(err, io.EOF):
			return 0, bad("%s is missing", name)
		case err != nil:
			return 0, readError(err)
		case h.Name != name || h.Typeflag != tar.TypeReg:
			return 0, bad("it has %q where %s belongs: it is not a snapshot", h.Name, name)
		case h.Size > limit:
			return 0, bad("%s has %d bytes, more than the %d it may have", name, h.Size, limit)
		}
		var sum hash.Hash = sha256.New()
		n, err := io.Copy(io.MultiWriter(into, sum), t)
		got[name] = hex.EncodeToString(sum.Sum(nil))
		if err != nil {
			return n, readError(err)
		}
		return n, nil
	}
	if _, err := take(metaName, maxMeta, &text); err != nil {
		return nil, err
	}
	meta, err := parseMeta(text.Bytes())
	if err != nil {
		return nil, err
	}
	n, err := take(stateName, MaxState, state)
	if err != nil {
		return nil, err
	}
	if n != meta.Size {
		return nil, bad("%s has %d bytes, and %s says %d", stateName, n, metaName, meta.Size)
	}
	if _, err := take(sumsName, maxSums, &sums); err != nil {
		return nil, err
	}
	if err := checkSums(sums.String(), got); err != nil {
		return nil, err
	}
	if h, err := t.Next(); err == nil {
		return nil, bad("it has a file too many: %q", h.Name)
	} else if !errors.Is(err, io.EOF) {
		return nil, readError(err)
	}
	return meta, nil
}

// counted counts what is read.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// growing ends what becomes far larger than what it is made from, before it fills the disk.
type growing struct {
	to   io.Writer
	from *counted
	n    int64
}

func (g *growing) Write(p []byte) (int, error) {
	if g.n += int64(len(p)); g.n > maxGrowth*g.from.n+growthSpare {
		return 0, bad("%s grows to more than %d times the size of the archive: no state does", stateName, maxGrowth)
	}
	return g.to.Write(p)
}

func parseMeta(text []byte) (*Meta, error) {
	var m Meta
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, bad("%s is not JSON: %v", metaName, err)
	}
	switch {
	case m.Berth == nil:
		return nil, bad("it is not one of Berth's: another program, such as Nomad or Consul, wrote it")
	case m.Version != Form:
		return nil, bad("it has form %d, written by Berth %s, and this program reads form %d: use that version or a newer one", m.Version, m.Berth.Version, Form)
	case m.Index == 0 || m.Size < 0:
		return nil, bad("%s makes no sense: index %d, size %d", metaName, m.Index, m.Size)
	}
	return &m, nil
}

func checkSums(text string, got map[string]string) error {
	told := map[string]string{}
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) == 2 {
			told[f[1]] = f[0]
		}
	}
	for _, name := range []string{metaName, stateName} {
		if told[name] != got[name] {
			return bad("%s was changed: its SHA-256 is %s, and %s says %q", name, got[name], sumsName, told[name])
		}
	}
	return nil
}

// readError says why a file cannot be read to its end.
func readError(err error) error {
	var own *structs.Error
	switch {
	case errors.As(err, &own), errors.Is(err, errSpool):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return bad("it ends too early")
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader), errors.Is(err, tar.ErrHeader):
		return bad("it is damaged: %w", err)
	}
	return &structs.Error{Op: "read the snapshot", Kind: structs.KindInvalid, Err: err}
}
