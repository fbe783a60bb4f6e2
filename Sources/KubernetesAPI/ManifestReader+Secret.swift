/// No problem found here shows anything of what a Secret holds, be it ever so wrongly written.
extension ManifestReader {
    /// A Secret by the API server's rules; nil if it broke one.
    mutating func secretObject() -> Secret? {
        guard let metadata = self.metadata(of: .secret) else { return nil }
        let type = self.string("type", of: self.root).flatMap { $0.isEmpty ? nil : SecretType(rawValue: $0) }
        var secret = Secret(metadata: metadata, type: type ?? .opaque)
        // The others are somebody else's, and so are their rules.
        guard secret.type.isRead else { return self.hasErrors ? nil : secret }
        var sizes: [String: Int] = [:]
        self.readEntries("data", into: &secret, &sizes) { Base64.decode($0.bytes) }
        // Merged into the data when it is written, over what is there.
        self.readEntries("stringData", into: &secret, &sizes) { Array($0.bytes) }
        let size = sizes.values.reduce(0, +)
        if size > self.limits.maximumSecretSize {
            self.fail(
                self.root, "data", "must be at most \(self.limits.maximumSecretSize) bytes in all, not \(size)")
        }
        if secret.type == .tls {
            for key in [Secret.DataKey.certificate, .key] where sizes[key.rawValue] == nil && !self.hasErrors {
                self.fail(self.root, "data[\(key.rawValue)]", "is required when type is \(SecretType.tls)")
            }
        }
        return self.hasErrors ? nil : secret
    }

    /// Adds the entries of one of the two maps; `decode` is nil for what cannot be decoded.
    private mutating func readEntries(
        _ name: String,
        into secret: inout Secret,
        _ sizes: inout [String: Int],
        _ decode: (ManifestNode) -> [UInt8]?
    ) {
        guard let map = self.field(name, of: self.root) else { return }
        guard map.kind == .mapping else { return self.fail(map, "must be a mapping") }
        var seen: Set<String> = []
        var key: String?
        for (position, child) in map.children.enumerated() {
            if position.isMultiple(of: 2) {
                key = child.isScalar && NameRules.isDataKey(child.text) ? child.text : nil
                if key == nil {
                    self.fail(map, "has a key that is none: letters, digits, '-', '_' and '.' may be in it")
                }
                continue
            }
            guard let key else { continue }
            guard seen.insert(key).inserted else {
                self.fail(child, "given twice")
                continue
            }
            guard child.isNull || child.isScalar && child.form == .text else {
                self.fail(child, "must be a string; put it in quotes")
                continue
            }
            guard let bytes = child.isNull ? [] : decode(child) else {
                self.fail(child, "must be base64")
                continue
            }
            sizes[key] = bytes.count
            if let known = Secret.DataKey(rawValue: key) { secret[known] = bytes }
        }
    }
}
