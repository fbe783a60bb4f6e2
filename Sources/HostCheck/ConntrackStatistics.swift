/// /proc/net/stat/nf_conntrack: a line of names, then one of hexadecimal numbers for each processor.
package struct ConntrackStatistics: Sendable {
    private let sums: [String: Int]

    package init(_ text: String) {
        let lines = text.split(separator: "\n").map { $0.split(separator: " ") }
        var sums: [String: Int] = [:]
        for line in lines.dropFirst() {
            for (name, digits) in zip(lines[0], line) {
                sums[String(name), default: 0] += Int(digits, radix: 16) ?? 0
            }
        }
        self.sums = sums
    }

    /// Of all processors; 0 of what the kernel does not count.
    package subscript(name: String) -> Int { self.sums[name] ?? 0 }
}
