package testjob

import (
	"fmt"
	"strings"
)

// Ordinary is a job file of three tasks and about 150 lines.
func Ordinary() []byte {
	var b strings.Builder
	b.WriteString("variable \"tag\" {\n  type    = string\n  default = \"1.2.3\"\n}\n\nlocals {\n  team = \"shop\"\n}\n\njob \"shop\" {\n  datacenters = [\"dc1\"]\n\n")
	b.WriteString("  update {\n    max_parallel = 2\n    canary       = 1\n    auto_revert  = true\n  }\n\n  group \"web\" {\n    count = 3\n\n")
	b.WriteString("    network {\n      mode = \"bridge\"\n      port \"http\" {\n        to = 8080\n      }\n    }\n\n")
	b.WriteString("    service {\n      name     = \"shop\"\n      port     = \"http\"\n      provider = \"nomad\"\n      check {\n        type     = \"http\"\n        path     = \"/health\"\n        interval = \"10s\"\n        timeout  = \"2s\"\n      }\n    }\n\n")
	for i := range 3 {
		fmt.Fprintf(&b, "    task \"t%d\" {\n      driver = \"docker\"\n\n      config {\n        image = \"example/shop-%d:${var.tag}\"\n        ports = [\"http\"]\n        args = [\n          \"-listen\", \":${NOMAD_PORT_http}\",\n          \"-team\", local.team,\n        ]\n      }\n\n", i, i)
		b.WriteString("      env {\n        PORT  = \"${NOMAD_PORT_http}\"\n        TEAM  = \"${upper(local.team)}\"\n        NODE  = \"${node.unique.name}\"\n        LEVEL = \"info\"\n      }\n\n")
		b.WriteString("      template {\n        destination = \"local/app.conf\"\n        change_mode = \"restart\"\n        data        = <<-EOT\n          listen 8080\n          {{ range nomadService \"db\" }}upstream {{ .Address }}{{ end }}\n        EOT\n      }\n\n")
		b.WriteString("      resources {\n        cpu    = 300\n        memory = 256\n      }\n\n      kill_timeout = \"20s\"\n    }\n\n")
	}
	b.WriteString("  }\n}\n")
	return []byte(b.String())
}

// Generated is a job file of about n bytes, as a program writes it.
func Generated(n int) []byte {
	var b strings.Builder
	b.WriteString("job \"generated\" {\n  type = \"batch\"\n")
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, `
  group "g%d" {
    count = 1

    constraint {
      attribute = "${attr.kernel.name}"
      value     = "linux"
    }

    task "work" {
      driver = "docker"

      config {
        image   = "registry.example.com/team/worker:1.0.%d"
        command = "/bin/worker"
        args    = ["--index", "${NOMAD_ALLOC_INDEX}", "--shard", "%d", "--endpoint", "https://queue.example.com/v1/shards"]
      }

      env {
        SHARD        = "%d"
        QUEUE        = "https://queue.example.com/v1/shards/%d"
        NODE         = "${node.unique.name}"
        DESCRIPTION  = "Works on one of many shards of the queue, and reports what it did to the collector beside it."
      }

      resources {
        cpu    = 100
        memory = 64
      }
    }
  }
`, i, i, i, i, i)
	}
	b.WriteString("}\n")
	return []byte(b.String())
}
