import Testing

@testable import KubernetesAPI

/// A YAML document as nested values, with the lines they begin at.
indirect enum ManifestTree {
    case scalar(String, form: ScalarForm, line: Int)
    case list([ManifestTree], line: Int)
    /// Keys in their order, each with its line.
    case mapping([(key: String, value: ManifestTree)], line: Int)

    init(_ node: ManifestNode) {
        switch node.kind {
        case .sequence:
            self = .list(node.children.map { ManifestTree($0) }, line: node.line)
        case .mapping:
            let children = Array(node.children)
            let pairs = stride(from: 0, to: children.count - 1, by: 2).map {
                (key: children[$0].text, value: ManifestTree(children[$0 + 1]))
            }
            self = .mapping(pairs, line: node.line)
        case .alias, .plainScalar, .textScalar:
            self = .scalar(node.text, form: node.form, line: node.line)
        }
    }

    var line: Int {
        switch self {
        case .scalar(_, _, let line), .list(_, let line), .mapping(_, let line): line
        }
    }

    subscript(key: String) -> ManifestTree? {
        guard case .mapping(let pairs, _) = self else { return nil }
        return pairs.first { $0.key == key }?.value
    }

    var text: String? {
        guard case .scalar(let text, _, _) = self else { return nil }
        return text
    }

    var items: [ManifestTree] {
        guard case .list(let items, _) = self else { return [] }
        return items
    }

    /// `a.b.c`, by keys alone.
    func at(_ path: String) -> ManifestTree? {
        path.split(separator: ".").reduce(self) { tree, key in tree?[String(key)] }
    }

    /// The documents of a file.
    static func documents(_ text: String) throws -> [ManifestTree] {
        var documents: [ManifestTree] = []
        try ManifestParser.parse(Array(text.utf8), limits: ManifestLimits()) { document in
            if let root = document.root, !root.isNull { documents.append(ManifestTree(root)) }
        }
        return documents
    }
}
