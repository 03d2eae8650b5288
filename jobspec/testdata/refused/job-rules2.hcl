job "job-rules2" {
  id = ""
  type      = "core"
  namespace = "a b"
  name      = "a\u0000b"
  ui {
    description = join("", [for i in range(101) : "ten chars "])
  }
  meta {
    big = join("", [for i in range(600) : join("", [for k in range(100) : "ten chars "])])
  }
  multiregion {
    region "" {
    }
    region "eu" {
    }
    region "eu" {
    }
  }
  group "g" {
    count = 40000
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
  group "h" {
    count = 40000
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
