import Lab
import Linux
import Testing

/// What is in `deploy/monitoring`.
enum MonitoringFiles {
    private static let folder =
        #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined() + "/deploy/monitoring"

    private static func text(_ name: String) throws -> String {
        let file = try Descriptor.open("\(Self.folder)/\(name)", flags: 0)
        return String(decoding: try file.readToEnd(limit: 1 << 20), as: UTF8.self)
    }

    /// Every metric that a rule or a panel asks for is there, and so is every value of a label that a rule selects.
    static func expectKnown(by metrics: PrometheusText, sourceLocation: SourceLocation = #_sourceLocation) throws {
        for file in ["alerts.yaml", "dashboard.json"] {
            let words = try Self.text(file).split { !($0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_")) }
            let names = Set(
                words.filter { word in ["fairlead_", "kubeproxy_", "process_"].contains { word.hasPrefix($0) } })
            #expect(names.count > 10, "\(file)", sourceLocation: sourceLocation)
            for name in names.sorted() {
                #expect(Self.isKnown(String(name), metrics), "\(file): \(name)", sourceLocation: sourceLocation)
            }
        }
        let samples = metrics.families.values.flatMap(\.samples)
        for selection in try Self.text("alerts.yaml").matches(of: /([a-z_]+)=~?"([^"$]+)"/) {
            for value in selection.2.split(separator: "|") {
                #expect(
                    samples.contains { $0.labels[String(selection.1)] == String(value) }, "\(selection.0)",
                    sourceLocation: sourceLocation)
            }
        }
    }

    private static func isKnown(_ name: String, _ metrics: PrometheusText) -> Bool {
        if metrics.families[name] != nil { return true }
        return ["_bucket", "_sum", "_count"].contains { suffix in
            name.hasSuffix(suffix) && metrics.families[String(name.dropLast(suffix.count))]?.type == "histogram"
        }
    }
}
