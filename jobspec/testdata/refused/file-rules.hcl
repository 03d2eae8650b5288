job "file-rules" {
  group "g" {
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
      artifact {
        source = "https://x.example/a"
        options {
          checksum = "d41d8cd98f00b204e9800998ecf8427e"
        }
      }
      artifact {
        source = "https://x.example/a"
        options {
          checksum = "crc:d41d8cd98f00b204e9800998ecf8427e"
        }
      }
      artifact {
        source = "https://x.example/a"
        options {
          checksum = "md5:xyz"
        }
      }
      artifact {
        source = "https://x.example/a"
        options {
          checksum = "sha256:d41d8cd98f00b204e9800998ecf8427e"
        }
      }
      template {
        data = "a"
      }
      template {
        data        = "a"
        source      = "local/b"
        destination = "local/b"
        vault_grace = "10s"
        uid         = -2
        wait {
          min = "-1s"
          max = "-2s"
        }
      }
      template {
        destination = "local/c"
        data        = "{{ executeTemplate \"x\" }}{{ neverHeardOfThis }}{{ trimSpacee \"x\" }}"
      }
      template {
        destination = "local/d"
        data        = "{{ ${join("", [for i in range(120) : "("])}1${join("", [for i in range(120) : ")"])} }}"
      }
      dispatch_payload {
        file = ""
      }
    }
    task "many" {
      driver = "docker"
      config {
        image = "a"
      }
      dynamic "template" {
        for_each = range(1001)
        content {
          destination = "local/${template.value}"
          data        = "a"
        }
      }
    }
  }
}
