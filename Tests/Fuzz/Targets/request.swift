/// Heads of requests, and what is forwarded of them.
func examine(_ bytes: [UInt8]) throws { try RequestInvariants.check(bytes) }
