job "syntax" {
  group "g" {
    count = 
    task "t" {
      driver = "docker
    }
  }
