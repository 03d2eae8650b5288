job "wordpress" {
  datacenters = ["dc1"]

  group "app" {
    volume "uploads" {
      type            = "csi"
      source          = "wordpress-uploads"
      access_mode     = "multi-node-multi-writer"
      attachment_mode = "file-system"
      mount_options {
        fs_type     = "ext4"
        mount_flags = ["noatime"]
      }
    }
    network {
      port "http" { to = 80 }
    }
    task "wordpress" {
      driver = "docker"
      config {
        image = "wordpress:6.5-php8.3-apache"
        ports = ["http"]
      }
      volume_mount {
        volume      = "uploads"
        destination = "/var/www/html/wp-content/uploads"
      }
    }
  }
}
