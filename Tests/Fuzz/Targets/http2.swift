// modules: Bytes Networking HTTP1 HTTP2
// invariants: Tests/HTTP2Tests/Invariants

/// Frames for a server or a client, or the fields of a request.
func examine(_ bytes: [UInt8]) throws { try SessionInvariants.check(bytes) }
