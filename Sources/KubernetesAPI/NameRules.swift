/// The rules for names (RFC 1035, RFC 1123) as the API server applies them. Each returns what is
/// wrong, or nil.
package enum NameRules {
    /// For the names of Services.
    static func label1035(_ name: String) -> String? {
        if self.isLabel(name.utf8[...]), let first = name.utf8.first, self.isLowerLetter(first) { return nil }
        return "must be at most 63 lower case letters, digits and '-', begin with a letter and end with a letter "
            + "or digit, not \(FieldRules.quote(name))"
    }

    /// For namespaces and the names of ports.
    package static func label(_ name: String) -> String? {
        if self.isLabel(name.utf8[...]) { return nil }
        return "must be at most 63 lower case letters, digits and '-', and begin and end with a letter or digit, "
            + "not \(FieldRules.quote(name))"
    }

    /// For the names of EndpointSlices and nodes.
    package static func subdomain(_ name: String) -> String? {
        let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        // Other than in a host name, one label may be as long as the whole.
        if name.utf8.count <= 253, labels.allSatisfy({ self.isLabel($0, limit: 253) }) { return nil }
        return "must be at most 253 lower case letters, digits, '-' and '.', each part beginning and ending with "
            + "a letter or digit, not \(FieldRules.quote(name))"
    }

    /// For hosts that stand for all that have one label more.
    static func wildcard(_ name: String) -> String? {
        if name.utf8.count <= 253, name.hasPrefix("*."), self.subdomain(String(name.dropFirst(2))) == nil { return nil }
        return "must be '*.' and a name of lower case letters, digits, '-' and '.', not \(FieldRules.quote(name))"
    }

    /// For the names of ports of pods and of Ingresses (IANA service names, RFC 6335 section 5.1).
    static func portName(_ name: String) -> String? {
        if self.isLabel(name.utf8[...], limit: 15), name.utf8.contains(where: self.isLowerLetter), !name.contains("--")
        {
            return nil
        }
        return "must be at most 15 lower case letters, digits and single '-', among them a letter, and begin and end "
            + "with a letter or digit, not \(FieldRules.quote(name))"
    }

    /// For application protocols, which are written as the keys of labels: `example.com/name` or `name`.
    static func labelKey(_ key: String) -> String? {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        if parts.count <= 2, let name = parts.last, self.labelValue(name) == nil,
            parts.count == 1 || self.subdomain(parts[0]) == nil
        {
            return nil
        }
        return "must be a name of letters, digits, '-', '_' and '.', with or without a domain and '/' before it, "
            + "not \(FieldRules.quote(key))"
    }

    /// For controllers: a domain, '/' and something that could be the path of a URL.
    static func domainPath(_ path: String) -> String? {
        let parts = path.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let marks = Array("/-._~%!$&'()*+,;=:".utf8)
        if parts.count == 2, !parts[1].isEmpty, self.subdomain(String(parts[0])) == nil,
            parts[1].utf8.allSatisfy({ self.isAlphanumeric($0) || self.isUpperLetter($0) || marks.contains($0) })
        {
            return nil
        }
        return "must be a domain and a path, as example.com/ingress-controller, not \(FieldRules.quote(path))"
    }

    /// For kinds and names of any sort of object: what can be one step of a path.
    static func pathStep(_ name: String) -> String? {
        if name != ".", name != "..", !name.utf8.contains(UInt8(ascii: "/")), !name.utf8.contains(UInt8(ascii: "%")) {
            return nil
        }
        return "must not be '.' or '..' or contain '/' or '%', not \(FieldRules.quote(name))"
    }

    /// For the keys of what a Secret holds. Says nothing of what is wrong: it may be a secret in the wrong place.
    static func isDataKey(_ key: String) -> Bool {
        let marks = Array("-_.".utf8)
        return !key.isEmpty && key.utf8.count <= 253 && key != "." && !key.hasPrefix("..")
            && key.utf8.allSatisfy { self.isAlphanumeric($0) || self.isUpperLetter($0) || marks.contains($0) }
    }

    /// For the names of zones, which are the values of labels.
    static func labelValue(_ value: String) -> String? {
        let marks = [UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ".")]
        let isLetterOrDigit = { (byte: UInt8) in self.isAlphanumeric(byte) || self.isUpperLetter(byte) }
        if value.utf8.count <= 63, let first = value.utf8.first, let last = value.utf8.last,
            isLetterOrDigit(first), isLetterOrDigit(last),
            value.utf8.allSatisfy({ isLetterOrDigit($0) || marks.contains($0) })
        {
            return nil
        }
        return "must be at most 63 letters, digits, '-', '_' and '.', and begin and end with a letter or digit, "
            + "not \(FieldRules.quote(value))"
    }

    private static func isLabel(_ label: Substring.UTF8View, limit: Int = 63) -> Bool {
        guard label.count <= limit, let first = label.first, let last = label.last else { return false }
        guard self.isAlphanumeric(first), self.isAlphanumeric(last) else { return false }
        return label.allSatisfy { self.isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        self.isLowerLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isUpperLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }

    private static func isLowerLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }
}
