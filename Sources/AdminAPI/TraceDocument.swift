internal import FoundationEssentials
package import Traces

/// A trace that `GET /v1/trace` answers with.
package protocol TraceDocumentContent: Codable, Sendable {
    static var kind: String { get }
}

extension PacketTrace: TraceDocumentContent { package static let kind = "PacketTrace" }
extension RequestTrace: TraceDocumentContent { package static let kind = "RequestTrace" }

/// What `GET /v1/trace` answers.
package struct TraceDocument<Trace: TraceDocumentContent>: Codable, Sendable {
    private let apiVersion: String
    private let kind: String
    package let trace: Trace

    package init(_ trace: Trace) {
        self.apiVersion = APIDocument.version
        self.kind = Trace.kind
        self.trace = trace
    }

    /// A trace is small and asked for by people: a library's coder does.
    package var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings, numbers and booleans can always be encoded.
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    package init(json: [UInt8]) throws(APIFailure) {
        guard let document = try? JSONDecoder().decode(Self.self, from: Data(json)),
            document.apiVersion == APIDocument.version, document.kind == Trace.kind
        else { throw APIFailure(code: 502, message: "the answer is no \(Trace.kind) of \(APIDocument.version)") }
        self = document
    }
}
