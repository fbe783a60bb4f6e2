/// Keeps one copy of strings that many endpoints repeat: the names of nodes, zones and ports.
package struct StringPool: Sendable {
    private var strings: Set<String> = []

    /// Names of nodes come and go as long as the program runs. Above this many different ones it begins anew: what is
    /// held stays as it is, and is shared no longer.
    package static let maximumCount = 100_000

    package init() {}

    package mutating func shared(_ string: String) -> String {
        // Up to 15 bytes a string holds its text itself.
        guard string.utf8.count > 15 else { return string }
        let (isNew, shared) = self.strings.insert(string)
        if isNew, self.strings.count > Self.maximumCount { self.strings = [string] }
        return shared
    }
}
