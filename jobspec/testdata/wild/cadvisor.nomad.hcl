job "cadvisor" {
  type = "system"
  group "cadvisor" {
    network {
      port "http" { to = 8080 }
    }
    task "cadvisor" {
      driver = "docker"
      config {
        image      = "gcr.io/cadvisor/cadvisor:v0.49.1"
        ports      = ["http"]
        privileged = true
        mount {
          type     = "bind"
          source   = "/sys"
          target   = "/sys"
          readonly = true
        }
        mount {
          type     = "bind"
          source   = "/dev/disk"
          target   = "/dev/disk"
          readonly = true
        }
        devices = [{ host_path = "/dev/kmsg" }]
      }
      resources { memory = 200 }
    }
  }
}
