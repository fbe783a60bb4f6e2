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
