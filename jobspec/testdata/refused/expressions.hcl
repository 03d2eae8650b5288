job "expressions" {
  meta {
    a = 1 + "x"
    b = [1, 2][5]
    c = { x = 1 }.y
    d = true ? 1
    e = length(5)
  }
}
