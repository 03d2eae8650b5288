job "web" {
  depends_on {
    job       = "j0"
    condition = "complete"
  }
  depends_on {
    job       = "j1"
    condition = "complete"
  }
  depends_on {
    job       = "j2"
    condition = "complete"
  }
  depends_on {
    job       = "j3"
    condition = "complete"
  }
  depends_on {
    job       = "j4"
    condition = "complete"
  }
  depends_on {
    job       = "j5"
    condition = "complete"
  }
  depends_on {
    job       = "j6"
    condition = "complete"
  }
  depends_on {
    job       = "j7"
    condition = "complete"
  }
  depends_on {
    job       = "j8"
    condition = "complete"
  }
  depends_on {
    job       = "j9"
    condition = "complete"
  }
  depends_on {
    job       = "j10"
    condition = "complete"
  }
  depends_on {
    job       = "j11"
    condition = "complete"
  }
  depends_on {
    job       = "j12"
    condition = "complete"
  }
  depends_on {
    job       = "j13"
    condition = "complete"
  }
  depends_on {
    job       = "j14"
    condition = "complete"
  }
  depends_on {
    job       = "j15"
    condition = "complete"
  }
  depends_on {
    job       = "j16"
    condition = "complete"
  }
  depends_on {
    job       = "j17"
    condition = "complete"
  }
  depends_on {
    job       = "j18"
    condition = "complete"
  }
  depends_on {
    job       = "j19"
    condition = "complete"
  }
  depends_on {
    job       = "j20"
    condition = "complete"
  }
  depends_on {
    job       = "j21"
    condition = "complete"
  }
  depends_on {
    job       = "j22"
    condition = "complete"
  }
  depends_on {
    job       = "j23"
    condition = "complete"
  }
  depends_on {
    job       = "j24"
    condition = "complete"
  }
  depends_on {
    job       = "j25"
    condition = "complete"
  }
  depends_on {
    job       = "j26"
    condition = "complete"
  }
  depends_on {
    job       = "j27"
    condition = "complete"
  }
  depends_on {
    job       = "j28"
    condition = "complete"
  }
  depends_on {
    job       = "j29"
    condition = "complete"
  }
  depends_on {
    job       = "j30"
    condition = "complete"
  }
  depends_on {
    job       = "j31"
    condition = "complete"
  }
  depends_on {
    job       = "j32"
    condition = "complete"
  }
  group "g" {
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
