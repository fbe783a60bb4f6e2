/// Headers of the PROXY protocol.
func examine(_ bytes: [UInt8]) throws { try ProxyInvariants.check(bytes) }
