package e2e

import (
	"fmt"
	"strconv"
)

// spec is a one-task job of the busybox image, as a test writes it.
type spec struct {
	kind    string // "service" unless set
	command string // run by a shell
	image   string // the busybox image unless set
	config  string // more lines of the task's config block
	task    string // more lines of the task
	group   string // more lines of the group
	job     string // more lines of the job
	mode    string // network mode; "" writes no network block
	network string // more lines of the network block
	memory  int    // MB, 32 unless set
	count   int    // 1 unless set
}

// text is the job file.
func (s spec) text(name string) string {
	if s.kind == "" {
		s.kind = "service"
	}
	if s.image == "" {
		s.image = boxImage
	}
	if s.memory == 0 {
		s.memory = 32
	}
	if s.count == 0 {
		s.count = 1
	}
	network := ""
	if s.mode != "" {
		network = fmt.Sprintf("    network {\n      mode = %q\n%s\n    }\n", s.mode, s.network)
	}
	command := ""
	if s.command != "" {
		command = fmt.Sprintf("        command = \"/bin/sh\"\n        args    = [\"-c\", %s]\n", quote(s.command))
	}
	return fmt.Sprintf(`job %q {
  type = %q
%s
  group "g" {
    count = %d
%s
%s
    task "main" {
      driver = "containerd"
      config {
        image = %q
%s
%s
      }
      resources {
        cpu    = 50
        memory = %d
      }
%s
    }
  }
}
`, name, s.kind, s.job, s.count, s.group, network, s.image, command, s.config, s.memory, s.task)
}

// quote writes a text as an HCL string without interpolation.
func quote(text string) string {
	q := strconv.Quote(text)
	out := ""
	for i := 0; i < len(q); i++ {
		if (q[i] == '$' || q[i] == '%') && i+1 < len(q) && q[i+1] == '{' {
			out += string(q[i])
		}
		out += string(q[i])
	}
	return out
}

// served is a web server that shows its own pid on the host's side of things, its hostname and its arguments.
const served = `mkdir -p /tmp/www && echo hello > /tmp/www/index.html && exec httpd -f -p 8080 -h /tmp/www`

// port publishes 8080 of the allocation on a port of the machine.
func port(host int) string {
	if host == 0 {
		return "      port \"http\" { to = 8080 }"
	}
	return fmt.Sprintf("      port \"http\" {\n        static = %d\n        to     = 8080\n      }", host)
}

const noRestart = `
    restart {
      attempts = 0
      mode     = "fail"
    }
    reschedule {
      attempts  = 0
      unlimited = false
    }
`
