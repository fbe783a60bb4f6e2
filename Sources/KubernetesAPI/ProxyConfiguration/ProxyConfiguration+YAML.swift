extension ProxyConfiguration {
    /// A file that says the same, every field written: what `--write-config-to` writes.
    package var yaml: String {
        var text = "apiVersion: \(ProxyConfigurationDecoder.apiVersion)\nkind: \(ProxyConfigurationDecoder.kind)\n"
        var open: [Substring] = []
        for field in ProxyConfigurationField.all {
            let steps = field.path.split(separator: ".")
            let sections = steps.dropLast()
            // Fields of one section follow each other, so what differs is opened anew.
            let common = zip(sections, open).prefix { $0 == $1 }.count
            for (depth, section) in sections.enumerated().dropFirst(common) {
                text += "\(Self.indentation(depth))\(section):\n"
            }
            open = Array(sections)
            text += "\(Self.indentation(sections.count))\(steps.last ?? ""): \(field.yaml(self))\n"
        }
        return text
    }

    private static func indentation(_ depth: Int) -> String { String(repeating: "  ", count: depth) }
}

extension ProxyConfiguration {
    /// The same as an object of JSON.
    package var json: String {
        var text = ""
        // What this writes itself is within all limits.
        try? ManifestParser.parse(Array(self.yaml.utf8), limits: ManifestLimits()) { document in
            if let root = document.root { text = root.json }
        }
        return text
    }
}

extension ManifestNode {
    /// As RFC 8259 has it.
    fileprivate var json: String {
        switch self.kind {
        case .mapping:
            let children = Array(self.children)
            let members = stride(from: 0, to: children.count - 1, by: 2).map { index in
                "\(children[index].text.jsonQuoted):\(children[index + 1].json)"
            }
            return "{\(members.joined(separator: ","))}"
        case .sequence: return "[\(self.children.map(\.json).joined(separator: ","))]"
        case .plainScalar, .textScalar, .alias:
            switch self.form {
            case .null: return "null"
            case .boolean(let value): return "\(value)"
            case .integer(let value): return "\(value)"
            case .number: return self.text
            case .text: return self.text.jsonQuoted
            }
        }
    }
}

extension String {
    /// As RFC 8259 section 7 has it.
    fileprivate var jsonQuoted: String {
        var quoted = "\""
        for scalar in self.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
