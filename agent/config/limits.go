package config

// minRPCConns is the least limit of connections of one address to the cluster port: a server has several of Raft to each other one, besides
// those for calls.
const minRPCConns = 20

func (b *builder) limits(l *limitsBlock) {
	c := &b.c.Limits
	b.atLeastNone(&c.MaxConnsPerClient, l.HTTPMaxConnsPerClient, "limits.http_max_conns_per_client")
	b.atLeastNone(&c.RPCConnsPerClient, l.RPCMaxConnsPerClient, "limits.rpc_max_conns_per_client")
	if n := c.RPCConnsPerClient; n > 0 && n < minRPCConns {
		b.fail("limits.rpc_max_conns_per_client = %d is too few for a server that shares its address: use at least %d, or 0 for no limit", n, minRPCConns)
	}
	b.duration(&c.HTTPSHandshake, l.HTTPSHandshakeTimeout, "limits.https_handshake_timeout")
	b.duration(&c.RPCHandshake, l.RPCHandshakeTimeout, "limits.rpc_handshake_timeout")
	b.atLeastOne(&c.BodyBytes, l.BodyBytes, "limits.http_max_body_bytes")
	b.atLeastOne(&c.ImageBytes, l.ImageBytes, "limits.http_max_image_bytes")
}

// atLeastOne takes over a size that was written: with none, nothing could be sent at all.
func (b *builder) atLeastOne(to, from *int64, name string) {
	if from != nil && *from < 1 {
		b.fail("%s = %d lets nothing in, and there is always a limit: give bytes from 1; without the setting it is %d", name, *from, *to)
		return
	}
	set(to, from)
}

// atLeastNone takes over a count that was written.
func (b *builder) atLeastNone(to, from *int, name string) {
	if from != nil && *from < 0 {
		b.fail("%s = %d is negative; 0 is no limit", name, *from)
		return
	}
	set(to, from)
}
