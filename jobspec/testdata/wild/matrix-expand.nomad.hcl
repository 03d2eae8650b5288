# One group for each pair, built with for expressions.
locals {
  browsers = ["firefox", "chrome"]
  suites   = ["smoke", "checkout", "search"]
  matrix = merge([
    for b in local.browsers : {
      for s in local.suites : "${b}-${s}" => { browser = b, suite = s }
    }
  ]...)
}

job "e2e-matrix" {
  type = "batch"

  dynamic "group" {
    for_each = local.matrix
    labels   = ["${group.key}"]
    content {
      meta {
        browser = group.value.browser
      }
      task "run" {
        driver = "docker"
        config {
          image = "selenium/standalone-${group.value.browser}:4.21"
          args  = ["--suite", group.value.suite]
        }
        resources {
          cpu    = 1000
          memory = group.value.browser == "chrome" ? 1024 : 768
        }
      }
    }
  }
}
