/// The rules for names (RFC 1035, RFC 1123) as the API server applies them. Each returns what is
/// wrong, or nil.
enum NameRules {
    /// For the names of Services.
    static func label1035(_ name: String) -> String? {
        if self.isLabel(name.utf8[...]), let first = name.utf8.first, self.isLowerLetter(first) { return nil }
        return "must be at most 63 lower case letters, digits and '-', begin with a letter and end with a letter "
            + "or digit, not \(FieldRules.quote(name))"
    }

    /// For namespaces and the names of ports.
    static func label(_ name: String) -> String? {
        if self.isLabel(name.utf8[...]) { return nil }
        return "must be at most 63 lower case letters, digits and '-', and begin and end with a letter or digit, "
            + "not \(FieldRules.quote(name))"
    }

    /// For the names of EndpointSlices and nodes.
    static func subdomain(_ name: String) -> String? {
        let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        // Other than in a host name, one label may be as long as the whole.
        if name.utf8.count <= 253, labels.allSatisfy({ self.isLabel($0, limit: 253) }) { return nil }
        return "must be at most 253 lower case letters, digits, '-' and '.', each part beginning and ending with "
            + "a letter or digit, not \(FieldRules.quote(name))"
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
