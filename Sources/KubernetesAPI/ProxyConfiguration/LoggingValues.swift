/// `logging.flushFrequency`: a duration, or nanoseconds as a number.
package struct FlushFrequency: ConfigurationValue {
    package var duration: GoDuration

    package init(_ duration: GoDuration) { self.duration = duration }

    init(parsing text: String) throws(ConfigurationValueError) { self.duration = try GoDuration(parsing: text) }

    static func read(_ node: ManifestNode, _ reader: inout ManifestReader) -> FlushFrequency? {
        if node.isScalar, case .integer(let nanoseconds) = node.form {
            return FlushFrequency(GoDuration(nanoseconds: nanoseconds))
        }
        return GoDuration.read(node, &reader).map { FlushFrequency($0) }
    }

    var isZero: Bool { self.duration.isZero }
    var literal: ConfigurationLiteral { self.duration.literal }
}

/// A `resource.Quantity`, which nothing here reads: text or a number.
package struct QuantityText: ConfigurationValue {
    package var text: String

    package init(_ text: String) { self.text = text }
    init(parsing text: String) { self.text = text }

    static func read(_ node: ManifestNode, _ reader: inout ManifestReader) -> QuantityText? {
        guard node.isScalar else {
            reader.fail(node, "must be a quantity such as 0 or 64Ki, not \(ManifestReader.describe(node))")
            return nil
        }
        return QuantityText(node.text)
    }

    var isZero: Bool { self.text.isEmpty || self.text == "0" }
    var literal: ConfigurationLiteral { .string(self.text) }
}

/// `logging.vmodule`: verbosity by file of kube-proxy's source, as `pattern=N`.
package struct VerbosityByFile: ConfigurationValue {
    package var patterns: [String: Int]

    package init(_ patterns: [String: Int] = [:]) { self.patterns = patterns }

    init(parsing text: String) throws(ConfigurationValueError) {
        self.patterns = [:]
        for item in text.split(separator: ",") {
            let sides = item.split(separator: "=", maxSplits: 1).map(String.init)
            guard sides.count == 2, let verbosity = UInt32(sides[1]) else {
                throw ConfigurationValueError(String(item), mustBe: "PATTERN=N")
            }
            self.patterns[sides[0]] = Int(verbosity)
        }
    }

    static func read(_ node: ManifestNode, _ reader: inout ManifestReader) -> VerbosityByFile? {
        guard node.kind == .sequence else {
            reader.fail(node, "must be a list, not \(ManifestReader.describe(node))")
            return nil
        }
        var value = VerbosityByFile()
        for item in node.children where reader.isMapping(item) {
            guard let pattern = reader.string("filePattern", of: item) else { continue }
            value.patterns[pattern] = reader.integer("verbosity", of: item, in: 0...Int(UInt32.max)) ?? 0
        }
        return value
    }

    var isZero: Bool { self.patterns.isEmpty }

    var literal: ConfigurationLiteral {
        .list(
            self.patterns.sorted { $0.key < $1.key }.map {
                .mapping([.init("filePattern", .string($0.key)), .init("verbosity", .number("\($0.value)"))])
            })
    }
}
