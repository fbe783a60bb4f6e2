import Lab
import Testing

/// What has to hold does for every input that fuzzing began with, and for every one by which it ever broke something.
@Suite("Fuzzing corpora")
struct CorpusTests {
    struct Target: Sendable, CustomTestStringConvertible {
        let name: String
        let check: @Sendable ([UInt8]) throws -> Void

        var testDescription: String { self.name }
    }

    static let targets = [
        Target(name: "request") { try RequestInvariants.check($0) },
        Target(name: "response") { try ResponseInvariants.check($0) },
        Target(name: "chunked") { try ChunkedInvariants.check($0) },
        Target(name: "path") { try PathInvariants.check($0) },
        Target(name: "proxy-protocol") { try ProxyInvariants.check($0) },
    ]

    @Test("what has to hold does", arguments: CorpusTests.targets)
    func holds(_ target: Target) throws {
        let inputs = try FuzzCorpus.inputs(of: target.name)
        #expect(inputs.count > 3)
        for input in inputs {
            #expect(throws: Never.self, "\(target.name)/\(input.name)") { try target.check(input.bytes) }
        }
    }
}
