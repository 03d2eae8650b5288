job "echo" {
    datacenters = ["dc1"]
    group "echo" {
        count = 2
        network {
            mode = "bridge"
            port "http" {
                to = -1
            }
            dns {
                servers = ["10.0.0.2", "1.1.1.1"]
                searches = ["svc.internal"]
                options = ["ndots:2"]
            }
            hostname = "echo"
        }
        task "server" {
            driver = "docker"
            config {
                image = "hashicorp/http-echo:latest"
                args  = [
                    "-listen", ":${NOMAD_PORT_http}",
                    "-text", "Hello and welcome to ${NOMAD_IP_http} running on port ${NOMAD_PORT_http}",
                ]
            }
            resources { }
        }
    }
}
