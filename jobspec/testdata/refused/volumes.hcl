job "volumes" {
  type = "system"
  group "g" {
    volume "host" {
      type            = "host"
      source          = "a"
      access_mode     = "multi-node-multi-writer"
      attachment_mode = "block"
      per_alloc       = true
      sticky          = true
      mount_options {
        fs_type = "ext4"
      }
    }
    volume "reader" {
      type            = "csi"
      source          = "b"
      access_mode     = "single-node-reader-only"
      attachment_mode = "file-system"
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
      volume_mount {
        volume = "host"
      }
      volume_mount {
        destination = "/x"
      }
    }
  }
  group "writers" {
    count = 2
    volume "v" {
      type            = "csi"
      source          = "b"
      access_mode     = "single-node-writer"
      attachment_mode = "file-system"
      sticky          = true
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
