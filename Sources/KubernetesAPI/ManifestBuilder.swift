/// Builds a ``ManifestDocument`` from parser events and holds it to ``ManifestLimits``. A new one for
/// each document.
struct ManifestBuilder {
    private struct Level {
        let index: Int
        let anchor: String?
        /// Nodes in here so far, aliases expanded.
        var size = 1
    }

    private let limits: ManifestLimits
    private var open: [Level] = []
    /// Anchors of finished nodes: the node, and its size with aliases expanded.
    private var anchors: [String: (index: UInt32, size: Int)] = [:]

    init(limits: ManifestLimits) {
        self.limits = limits
    }

    mutating func add(
        _ kind: ManifestDocument.Kind,
        line: Int,
        start: UInt32,
        count: UInt32,
        anchor: String?,
        to document: ManifestDocument
    ) throws(ManifestSyntaxError) {
        let index = UInt32(document.entries.count)
        document.entries.append(.init(kind: kind, line: UInt32(line), start: start, count: count, end: index + 1))
        if let anchor { self.anchors[anchor] = (index, 1) }
        try self.count(1, line: line, in: document)
    }

    mutating func addAlias(
        _ name: String,
        line: Int,
        to document: ManifestDocument
    ) throws(ManifestSyntaxError) {
        // A node that holds itself is not finished yet, so it is not found either.
        guard let target = self.anchors[name] else {
            // Without the name: it may be a password that somebody forgot to quote.
            throw ManifestSyntaxError(
                line: line, reason: "no anchor of this alias's name before it; a text that begins with '*' needs quotes"
            )
        }
        let index = UInt32(document.entries.count)
        document.entries.append(
            .init(kind: .alias, line: UInt32(line), start: target.index, count: 0, end: index + 1)
        )
        try self.count(target.size, line: line, in: document)
    }

    mutating func open(
        _ kind: ManifestDocument.Kind,
        line: Int,
        anchor: String?,
        in document: ManifestDocument
    ) throws(ManifestSyntaxError) {
        guard self.open.count < self.limits.maximumDepth else {
            throw .nestedTooDeep(line: line, self.limits)
        }
        let index = document.entries.count
        document.entries.append(.init(kind: kind, line: UInt32(line), start: 0, count: 0, end: 0))
        self.open.append(Level(index: index, anchor: anchor))
    }

    mutating func close(in document: ManifestDocument) throws(ManifestSyntaxError) {
        guard let level = self.open.popLast() else { return }
        document.entries[level.index].end = UInt32(document.entries.count)
        if document.entries[level.index].kind == .mapping {
            document.entries[level.index].count /= 2
        }
        if let anchor = level.anchor { self.anchors[anchor] = (UInt32(level.index), level.size) }
        try self.count(level.size, line: Int(document.entries[level.index].line), in: document)
    }

    /// Counts a finished node in its parent.
    private mutating func count(
        _ size: Int,
        line: Int,
        in document: ManifestDocument
    ) throws(ManifestSyntaxError) {
        guard let last = self.open.indices.last else { return }
        document.entries[self.open[last].index].count += 1
        self.open[last].size += size
        // Sizes are checked as they grow, so their sum cannot overflow.
        guard self.open[last].size <= self.limits.maximumNodes else {
            throw ManifestSyntaxError(
                line: line,
                reason: "more than \(self.limits.maximumNodes) nodes, counting what aliases stand for"
            )
        }
    }
}
