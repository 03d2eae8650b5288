package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"berth/e2e/harness"
	"berth/internal/testimage"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// The names of the images in the archives, as the examples use them.
const (
	webImage = "berth.local/web:1"
	boxImage = "berth.local/busybox:1"
)

// suite is what all tests share: the program, the images, names that do not clash.
type suite struct {
	binary   string
	web, box string // archives
	fleet    harness.Fleet
	dir      string
	once     sync.Once
	crashing string // the program linked for tests; "" before once
}

var shared *suite

func TestMain(m *testing.M) {
	if os.Getenv(registryEnv) != "" {
		os.Exit(serveRegistry())
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if os.Geteuid() != 0 {
		fmt.Println("SKIP: end-to-end tests make containers, namespaces and cgroups, and need root")
		return 0
	}
	dir, err := os.MkdirTemp("", "berth-e2e-")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer os.RemoveAll(dir)
	s, err := prepare(dir)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	shared = s
	return m.Run()
}

// prepare builds the program, unless BERTH_BINARY names one, and writes the images.
func prepare(dir string) (*suite, error) {
	s := &suite{dir: dir, binary: os.Getenv("BERTH_BINARY"), web: filepath.Join(dir, "web.tar"), box: filepath.Join(dir, "busybox.tar")}
	if s.binary == "" {
		s.binary = filepath.Join(dir, "berth")
		cmd := exec.CommandContext(context.Background(), "go", "build", "-trimpath", "-tags", "no_cri,no_btrfs,no_zfs,no_devmapper", "-o", s.binary, "berth")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build: %w\n%s", err, out)
		}
	}
	web, err := testimage.Web()
	if err != nil {
		return nil, err
	}
	box, err := testimage.New(testimage.Options{})
	if err != nil {
		return nil, err
	}
	if err := archive(s.web, webImage, web); err != nil {
		return nil, err
	}
	return s, archive(s.box, boxImage, box)
}

func archive(file, name string, img v1.Image) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	return testimage.WriteOCIArchive(f, name, img)
}
