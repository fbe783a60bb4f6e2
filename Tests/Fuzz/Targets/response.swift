/// Heads of responses; the first byte says what the request was.
func examine(_ bytes: [UInt8]) throws { try ResponseInvariants.check(bytes) }
