job "filebeat" {
  datacenters = ["dc1"]
  type        = "system"
  group "filebeat" {
    volume "containers" {
      type      = "host"
      source    = "containers"
      read_only = true
    }
    task "filebeat" {
      driver = "docker"
      user   = "root"
      volume_mount {
        volume           = "containers"
        destination      = "/var/lib/docker/containers"
        read_only        = true
        propagation_mode = "host-to-task"
      }
      config {
        image = "docker.elastic.co/beats/filebeat:8.14.0"
        args  = ["-e", "-strict.perms=false", "-c", "/local/filebeat.yml"]
      }
      template {
        destination = "local/filebeat.yml"
        data        = <<YML
filebeat.inputs:
- type: container
  paths: ["/var/lib/docker/containers/*/*.log"]
output.elasticsearch:
  hosts: [{{ range nomadService "elasticsearch" }}"http://{{ .Address }}:{{ .Port }}",{{ end }}]
YML
      }
    }
  }
}
