job "everything" {
  name        = "Every thing"
  region      = "global"
  namespace   = "default"
  type        = "service"
  priority    = 70
  all_at_once = true
  datacenters = ["dc1", "dc*"]
  node_pool   = "default"
  meta {
    owner = "team-a"
    build = 17
  }
  ui {
    description = "A job with **all** blocks"
    link {
      label = "Docs"
      url   = "https://example.com/docs"
    }
  }
  constraint {
    attribute = "${attr.kernel.name}"
    value     = "linux"
  }
  affinity {
    attribute = "${node.class}"
    value     = "fast"
    weight    = -20
  }
  spread {
    attribute = "${node.datacenter}"
    target "dc1" {
      percent = 60
    }
    target "dc2" {
      percent = 40
    }
  }
  update {
    max_parallel = 2
    stagger      = "20s"
  }
  migrate {
    max_parallel = 2
  }
  reschedule {
    delay          = "10s"
    delay_function = "fibonacci"
    max_delay      = "5m"
    unlimited      = true
  }
  group "web" {
    count          = 3
    shutdown_delay = "3s"
    meta = {
      "dotted.key" = "1"
    }
    volume "data" {
      type      = "host"
      source    = "data"
      read_only = true
    }
    volume "disk" {
      type            = "csi"
      source          = "disk"
      access_mode     = "multi-node-multi-writer"
      attachment_mode = "file-system"
      per_alloc       = false
      mount_options {
        fs_type     = "ext4"
        mount_flags = ["noatime"]
      }
    }
    restart {
      attempts         = 5
      interval         = "10m"
      delay            = "5s"
      mode             = "delay"
      render_templates = true
    }
    disconnect {
      lost_after = "6h"
      replace    = false
      reconcile  = "keep_original"
    }
    ephemeral_disk {
      size    = 500
      sticky  = true
      migrate = true
    }
    update {
      canary       = 1
      auto_promote = true
      auto_revert  = true
    }
    network {
      mode     = "bridge"
      hostname = "web-${NOMAD_ALLOC_INDEX}"
      port "http" {
        to = 8080
      }
      port "admin" {
        static       = 9901
        host_network = "private"
      }
      dns {
        servers  = ["1.1.1.1"]
        searches = ["internal"]
        options  = ["ndots:2"]
      }
      cni {
        args {
          nad = "x"
        }
      }
    }
    scaling {
      enabled = false
      min     = 1
      max     = 10
      policy {
        cooldown = "1m"
        check "cpu" {
          source = "prometheus"
          strategy "target-value" {
            target = 70.5
          }
        }
      }
    }
    service {
      name        = "web-${BASE}"
      port        = "http"
      provider    = "nomad"
      tags        = ["a", "urlprefix-/"]
      canary_tags = ["canary"]
      meta {
        version = "1"
      }
      canary_meta {
        version = "2"
      }
      weights {
        passing = 10
        warning = 2
      }
      check {
        type     = "http"
        path     = "/health"
        interval = "10s"
        timeout  = "2s"
        method   = "POST"
        body     = "{}"
        header {
          Authorization = ["Basic x"]
        }
        check_restart {
          limit = 3
          grace = "30s"
        }
      }
    }
    task "init" {
      driver = "docker"
      config {
        image = "busybox:1"
      }
      lifecycle {
        hook = "prestart"
      }
    }
    task "web" {
      driver         = "docker"
      user           = "1000:1000"
      kill_timeout   = "20s"
      kill_signal    = "SIGTERM"
      shutdown_delay = "5s"
      leader         = true
      config {
        image   = "web:1"
        ports   = ["http"]
        command = "/bin/web"
        args    = ["-listen", ":${NOMAD_PORT_http}", "-n", 5, true]
        labels {
          a = "b"
        }
        mount {
          type   = "tmpfs"
          target = "/tmp"
          tmpfs_options {
            size = 100000
          }
        }
        mount {
          type   = "bind"
          source = "local"
          target = "/x"
        }
        auth {
          username = "u"
        }
      }
      env {
        PORT  = "${NOMAD_PORT_http}"
        COUNT = 3
        DEBUG = true
        ADDR  = "http://${attr.unique.network.ip-address}:${NOMAD_HOST_PORT_http}/${env["X"]}"
      }
      meta {
        a = "b"
      }
      constraint {
        attribute = "${meta.rack}"
        operator  = "is_set"
      }
      resources {
        cpu        = 500
        memory     = 256
        memory_max = 512
        secrets    = 2
        device "nvidia/gpu/T4" {
          count = 2
          constraint {
            attribute = "${device.attr.memory}"
            operator  = ">="
            value     = "2 GiB"
          }
          affinity {
            attribute = "${device.model}"
            value     = "T4"
          }
        }
      }
      logs {
        max_files     = 3
        max_file_size = 5
      }
      artifact {
        source      = "https://example.com/a.tgz"
        destination = "local/a"
        mode        = "dir"
        options {
          checksum = "md5:d2267250309a62b032b2b43312c81fec"
        }
        headers {
          X-Token = "x"
        }
      }
      template {
        data            = <<-EOF
          KEY={{ env "NOMAD_ALLOC_ID" }}
          OTHER=$${NOT_NOW}
        EOF
        destination     = "local/env"
        env             = true
        perms           = "600"
        uid             = 1000
        splay           = "0s"
        left_delimiter  = "{{"
        right_delimiter = "}}"
        wait {
          min = "2s"
          max = "10s"
        }
      }
      template {
        source      = "local/tpl"
        destination = "local/out"
        change_mode = "script"
        change_script {
          command       = "/bin/reload"
          args          = ["now"]
          timeout       = "10s"
          fail_on_error = true
        }
      }
      volume_mount {
        volume      = "data"
        destination = "/data"
        read_only   = true
      }
      identity {
        env  = true
        file = true
      }
      identity {
        name        = "aws"
        aud         = ["sts"]
        ttl         = "1h"
        change_mode = "restart"
      }
      secret "db" {
        provider = "nomad"
        path     = "nomad/jobs/db"
        config {
          namespace = "default"
        }
      }
      action "migrate" {
        command = "/bin/migrate"
        args    = ["up"]
      }
      scaling "cpu" {
        min = 100
        max = 1000
        policy {
          cooldown = "5m"
        }
      }
    }
    task "after" {
      driver = "raw_exec"
      config {
        command = "/bin/true"
      }
      lifecycle {
        hook = "poststop"
      }
      resources {
        cores = 1
      }
    }
  }
}
