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
            text += "\(Self.indentation(sections.count))\(steps.last ?? ""): \(field.literal(self).yaml)\n"
        }
        return text
    }

    /// The same as one JSON object, without apiVersion and kind: for `/configz`.
    package var json: String {
        Self.tree(ProxyConfigurationField.all.map { ($0.path.split(separator: ".")[...], $0.literal(self)) }).json
    }

    /// Fields of one section follow each other.
    private static func tree(_ fields: [(ArraySlice<Substring>, ConfigurationLiteral)]) -> ConfigurationLiteral {
        var entries: [ConfigurationLiteral.Entry] = []
        var rest = fields[...]
        while let (path, value) = rest.first, let name = path.first {
            guard path.count > 1 else {
                entries.append(.init(String(name), value))
                rest = rest.dropFirst()
                continue
            }
            let section = rest.prefix { $0.0.first == name }
            entries.append(.init(String(name), self.tree(section.map { ($0.0.dropFirst(), $0.1) })))
            rest = rest[section.endIndex...]
        }
        return .mapping(entries)
    }

    private static func indentation(_ depth: Int) -> String { String(repeating: "  ", count: depth) }
}
