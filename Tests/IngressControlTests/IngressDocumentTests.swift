import HTTPProxy
import IngressControl
import Linux
import Observability
import Routing
import Testing

/// `docs/ingress.md` speaks of every metric, every reason and every state.
@Suite struct IngressDocumentTests {
    private static func text() throws -> String {
        let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
        let file = try Descriptor.open("\(root)/docs/ingress.md", flags: 0)
        return String(decoding: try file.readToEnd(limit: 1 << 20), as: UTF8.self)
    }

    @Test func `metrics`() throws {
        let text = try Self.text()
        let registry = MetricRegistry()
        _ = IngressMetrics(registry, board: IngressBoard()) { ProxyReport() }
        let prefix = "# TYPE fairlead_ingress_"
        let names = registry.text().split(separator: "\n").filter { $0.hasPrefix(prefix) }
            .compactMap { $0.dropFirst(prefix.count).split(separator: " ").first }
        #expect(names.count > 30)
        for name in names { #expect(text.contains("`\(name)`"), "\(name)") }
    }

    @Test func `reasons and states`() throws {
        let text = try Self.text()
        for code in IngressProblem.Code.allCases { #expect(text.contains("`\(code.rawValue)`"), "\(code)") }
        for standing in CertificateState.Standing.allCases { #expect(text.contains("`\(standing.rawValue)`")) }
    }
}
