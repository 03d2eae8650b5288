package e2e

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"berth/e2e/harness"
	"berth/internal/testimage"
)

// registryEnv makes the test binary a registry: its value is the image's name. It prints the full name and serves until its
// standard input ends. Why a process: a registry on a machine's loopback has to live in that machine's namespace.
const registryEnv = "BERTH_E2E_REGISTRY"

func serveRegistry() int {
	reg := testimage.NewRegistry("", "")
	defer reg.Close()
	img, err := testimage.New(testimage.Options{})
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	name, err := reg.Push(os.Getenv(registryEnv), img)
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	fmt.Println(name)
	io.Copy(io.Discard, os.Stdin)
	return 0
}

// registry starts a registry on the agent's machine and gives the full name of its image.
func registry(t *testing.T, host *harness.Host, image string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), registryEnv+"="+image)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	name := strings.TrimSpace(line)
	if err != nil || strings.HasPrefix(name, "error:") {
		t.Fatalf("registry: %s %v", name, err)
	}
	return name
}
