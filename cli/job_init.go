package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

const initJob = `# A service: one HTTP server with a port of its own.
#
#   berth job run %[1]s.hcl

job "%[1]s" {
  group "web" {
    count = 1

    network {
      mode = "bridge"
      port "http" {
        to = 8080
      }
    }

    task "server" {
      driver = "docker"

      config {
        image   = "busybox:1"
        command = "httpd"
        args    = ["-f", "-p", "${NOMAD_PORT_http}"]
        ports   = ["http"]
      }

      resources {
        cpu    = 100 # MHz
        memory = 64  # MB
      }
    }
  }
}
`

func (e *env) jobInit() *cobra.Command {
	var short bool
	c := &cobra.Command{Use: "init [NAME]", Short: "write a job file to begin with", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			name := "example"
			if len(args) == 1 {
				name = strings.TrimSuffix(args[0], ".hcl")
			}
			path := name + ".hcl"
			f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
			if errors.Is(err, os.ErrExist) {
				return fmt.Errorf("%s is there already: name another file, such as `berth job init web`", path)
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(f, initJob, filepath.Base(name))
			if cerr := f.Close(); err == nil {
				err = cerr
			}
			if err != nil {
				return err
			}
			e.say("wrote %s; run it with `berth job run %s`", path, path)
			return nil
		}}
	c.Flags().BoolVar(&short, "short", true, "without long comments (the default)")
	return c
}
