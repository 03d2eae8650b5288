locals {
  list = [1, 2]
  map  = { x = 1 }
}
job "expressions" {
  meta {
    a = 1 + "x"
    b = local.list[5]
    c = local.map.y
    d = local.map["z"]
    e = length(5)
    f = jsondecode("{")
    g = regex_replace("a", "(", "b")
    h = file("/etc/passwd")
    i = [for x in 5 : x]
    j = { for k, v in local.map : k => v... }
    k = format("%d", "x")
    l = 5 / 0
    m = cidrhost("10.0.0.0", 5)
    n = null
    o = upper(null)
    p = local.list
    q = "${local.list}"
    r = "${local.map.x}${NOMAD_X + 1}"
    s = timeadd("x", "1h")
    t = max()
    u = element([], 1)
    v = base64decode("%")
    w = parseint("z", 10)
  }
  group "g" {
    count = local.list
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
