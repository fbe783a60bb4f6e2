/// One parsed document as a flat tree: nodes in the order in which they were written, each knowing
/// where its subtree ends, and the text of all scalars in one buffer. A decoder reuses one of these
/// for all documents of a file, so a file's size does not decide how much is alive at once.
///
/// Aliases stay references to the node they name; nothing is copied.
final class ManifestDocument {
    enum Kind: UInt8 {
        /// Unquoted: may stand for a number, a boolean or null.
        case plainScalar
        /// Quoted, a block scalar or tagged `!!str`: always a string.
        case textScalar
        case sequence
        case mapping
        case alias
    }

    struct Entry {
        var kind: Kind
        var line: UInt32
        /// Scalar: where its text starts. Alias: the node it names.
        var start: UInt32
        /// Scalar: bytes of text. Sequence: items. Mapping: pairs of key and value.
        var count: UInt32
        /// The first node that is not in this one's subtree.
        var end: UInt32
    }

    var entries: [Entry] = []
    var text: [UInt8] = []

    func removeAll() {
        self.entries.removeAll(keepingCapacity: true)
        self.text.removeAll(keepingCapacity: true)
    }

    var root: ManifestNode? {
        self.entries.isEmpty ? nil : ManifestNode(document: self, index: 0)
    }
}

/// A place in a ``ManifestDocument``. Valid until the document is parsed anew.
struct ManifestNode {
    let document: ManifestDocument
    /// Never an alias.
    let index: Int

    init(document: ManifestDocument, index: Int) {
        self.document = document
        let entry = document.entries[index]
        // What an alias names is never itself an alias: the parser resolved it.
        self.index = entry.kind == .alias ? Int(entry.start) : index
    }

    private var entry: ManifestDocument.Entry { self.document.entries[self.index] }

    var kind: ManifestDocument.Kind { self.entry.kind }
    /// From 1.
    var line: Int { Int(self.entry.line) }
    /// Items of a sequence, pairs of a mapping.
    var count: Int { Int(self.entry.count) }

    var isScalar: Bool { self.kind == .plainScalar || self.kind == .textScalar }

    var bytes: ArraySlice<UInt8> {
        let entry = self.entry
        return self.document.text[Int(entry.start)..<Int(entry.start) + Int(entry.count)]
    }

    /// A scalar's text. The parser let only UTF-8 through.
    var text: String { String(decoding: self.bytes, as: UTF8.self) }

    /// Whether this is a scalar of exactly this text.
    func isText(_ text: String) -> Bool {
        let entry = self.entry
        guard entry.kind == .plainScalar || entry.kind == .textScalar, Int(entry.count) == text.utf8.count else {
            return false
        }
        var position = Int(entry.start)
        for byte in text.utf8 {
            if self.document.text[position] != byte { return false }
            position += 1
        }
        return true
    }

    /// What a scalar stands for.
    var form: ScalarForm { self.kind == .plainScalar ? ScalarForm(plain: self.bytes) : .text }

    /// `null`, `~` or nothing at all.
    var isNull: Bool { self.kind == .plainScalar && self.form == .null }

    /// The items of a sequence; keys and values by turns of a mapping.
    var children: ManifestChildren {
        let entry = self.entry
        let isParent = entry.kind == .sequence || entry.kind == .mapping
        return ManifestChildren(document: self.document, next: self.index + 1, end: isParent ? Int(entry.end) : 0)
    }

    /// The path of a node below this one, as `spec.ports[0].port`; empty for this node itself.
    func path(to target: ManifestNode) -> String {
        self.steps(to: target.index)?.joined() ?? ""
    }

    private func steps(to target: Int) -> [String]? {
        if target == self.index { return [] }
        var key: ManifestNode?
        for (position, child) in self.children.enumerated() {
            if self.kind == .mapping, position.isMultiple(of: 2) {
                key = child
                continue
            }
            // Through an alias too, as `child` is what it names. A place behind two aliases has no path
            // here: looking for one would walk the expanded tree.
            guard (child.index..<Int(child.entry.end)).contains(target), let rest = child.steps(to: target) else {
                continue
            }
            let name = key.map { $0.isScalar ? Self.quoteIfNeeded($0.text) : "?" } ?? "?"
            let step = self.kind == .sequence ? "[\(position)]" : name
            guard let next = rest.first else { return [step] }
            return [step + (next.hasPrefix("[") ? "" : ".")] + rest
        }
        return nil
    }

    private static func quoteIfNeeded(_ key: String) -> String {
        key.utf8.contains(UInt8(ascii: ".")) ? "[\(key)]" : key
    }
}

/// The children of a node, one after the other.
struct ManifestChildren: Sequence, IteratorProtocol {
    private let document: ManifestDocument
    private var position: Int
    private let end: Int

    init(document: ManifestDocument, next: Int, end: Int) {
        self.document = document
        self.position = next
        self.end = end
    }

    mutating func next() -> ManifestNode? {
        guard self.position < self.end else { return nil }
        let node = ManifestNode(document: self.document, index: self.position)
        self.position = Int(self.document.entries[self.position].end)
        return node
    }
}
