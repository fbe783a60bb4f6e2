/// Chunked bodies, decoded and encoded anew.
func examine(_ bytes: [UInt8]) throws { try ChunkedInvariants.check(bytes) }
