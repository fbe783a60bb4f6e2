/// Paths, against a slow and simple reading of the rules.
func examine(_ bytes: [UInt8]) throws { try PathInvariants.check(bytes) }
