/// Keeps one copy of strings that many endpoints repeat: the names of nodes, zones and ports.
package struct StringPool: Sendable {
    private var strings: Set<String> = []

    package init() {}

    package mutating func shared(_ string: String) -> String {
        // Up to 15 bytes a string holds its text itself.
        string.utf8.count <= 15 ? string : self.strings.insert(string).memberAfterInsert
    }
}
