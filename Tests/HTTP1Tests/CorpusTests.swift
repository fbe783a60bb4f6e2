import Glibc
import Testing

/// What fuzzing began with, and everything by which it ever broke something.
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
        let files = try Self.files(of: target.name)
        #expect(files.count > 3)
        for file in files {
            #expect(throws: Never.self, "\(target.name)/\(file.name)") { try target.check(file.bytes) }
        }
    }

    private static func files(of target: String) throws -> [(name: String, bytes: [UInt8])] {
        let root = #filePath.split(separator: "/").dropLast(2).map { "/\($0)" }.joined()
        let folder = "\(root)/Fuzz/Corpus/\(target)"
        guard let listing = unsafe opendir(folder) else { throw Violation("cannot read \(folder)") }
        defer { unsafe closedir(listing) }
        var files: [(String, [UInt8])] = []
        while let entry = unsafe readdir(listing) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) {
                unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard !name.hasPrefix(".") else { continue }
            files.append((name, try Self.read("\(folder)/\(name)")))
        }
        return files
    }

    private static func read(_ path: String) throws -> [UInt8] {
        guard let file = unsafe fopen(path, "r") else { throw Violation("cannot read \(path)") }
        defer { unsafe fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = unsafe fread(&buffer, 1, buffer.count, file)
            guard count > 0 else { return bytes }
            bytes += buffer.prefix(count)
        }
    }
}
