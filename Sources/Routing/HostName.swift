/// The names of hosts in rules and certificates.
enum HostName {
    /// ASCII letters in lower case, without a lookup of what Unicode says.
    static func lowercased(_ name: String) -> String {
        guard name.utf8.contains(where: { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 }) else { return name }
        return String(
            decoding: name.utf8.map { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 ? $0 | 0x20 : $0 }, as: UTF8.self)
    }

    /// The wildcard that would match a name: its first label is any one (H2). nil for a wildcard and for a name
    /// of one label.
    static func wildcard(for name: String) -> String? {
        guard let dot = name.utf8.firstIndex(of: UInt8(ascii: ".")), dot != name.startIndex, !self.isWildcard(name)
        else { return nil }
        return "*" + name[dot...]
    }

    static func isWildcard(_ name: String) -> Bool { name.utf8.starts(with: "*.".utf8) }

    /// What is wrong with the host of a rule, in lower case, or nil: a DNS-1123 subdomain, or `*.` and one. The API
    /// server checks the same, but not what was there before it did.
    static func problem(_ name: String) -> String? {
        let rest = self.isWildcard(name) ? name.utf8.dropFirst(2) : name.utf8[...]
        let labels = rest.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard name.utf8.count <= Self.maximumLength, labels.allSatisfy(self.isLabel) else {
            return "is no DNS name and no \"*.\" with one"
        }
        // A number as the last label makes it an address (RFC 1123 section 2.1).
        guard let last = labels.last, last.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else {
            return nil
        }
        return labels.count == 4 ? "is an address, not a name" : nil
    }

    /// RFC 1035 section 2.3.4, as text.
    static let maximumLength = 253

    private static func isLabel(_ label: Substring.UTF8View.SubSequence) -> Bool {
        guard label.count <= 63, let first = label.first, let last = label.last else { return false }
        return first != UInt8(ascii: "-") && last != UInt8(ascii: "-")
            && label.allSatisfy {
                UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0
                    || $0 == UInt8(ascii: "-")
            }
    }
}
