import Bytes
import LineSupport
import Testing

@testable import StreamBalancer

@Suite struct ServerNameTests {
    /// A ClientHello with these extensions, in one record.
    static func hello(_ extensions: [(type: Int, content: [UInt8])]) -> [UInt8] {
        func number(_ value: Int, _ length: Int) -> [UInt8] {
            (0..<length).reversed().map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
        }
        func vector(_ bytes: [UInt8], _ length: Int) -> [UInt8] { number(bytes.count, length) + bytes }
        let body: [UInt8] =
            [3, 3] + [UInt8](repeating: 9, count: 32) + vector([UInt8](repeating: 1, count: 32), 1)
            + vector([0x13, 0x01, 0x13, 0x02], 2) + vector([0], 1)
            + vector(extensions.flatMap { number($0.type, 2) + vector($0.content, 2) }, 2)
        return [22, 3, 1] + vector([1] + vector(body, 3), 2)
    }

    static func serverName(_ name: String) -> (Int, [UInt8]) {
        let bytes = Array(name.utf8)
        let entry = [0, UInt8(bytes.count >> 8), UInt8(bytes.count & 255)] + bytes
        return (0, [UInt8(entry.count >> 8), UInt8(entry.count & 255)] + entry)
    }

    private static func read(_ bytes: [UInt8]) -> String? {
        switch ServerName.read(bytes.span) {
        case .needsMore: "..."
        case .absent: nil
        case .name(let range): String(decoding: bytes[range.indices], as: UTF8.self)
        }
    }

    @Test func `the name, whatever is around it`() {
        let other = (type: 43, content: [UInt8](arrayLiteral: 2, 3, 4))
        #expect(Self.read(Self.hello([Self.serverName("a.example")])) == "a.example")
        #expect(Self.read(Self.hello([other, Self.serverName("Shop.Example"), other])) == "Shop.Example")
        #expect(Self.read(Self.hello([Self.serverName("a.example")]) + [1, 2, 3]) == "a.example")
    }

    @Test func `every beginning of one needs more`() {
        let bytes = Self.hello([Self.serverName("a.example")])
        for count in 0..<bytes.count { #expect(Self.read(Array(bytes.prefix(count))) == "...", "\(count)") }
    }

    @Test(arguments: [
        Array("GET / HTTP/1.1\r\n\r\n".utf8), Array("SSH-2.0-x\r\n".utf8), [21, 3, 1, 0, 2, 1, 0], [22, 2, 1, 0, 9],
        ServerNameTests.hello([]), ServerNameTests.hello([(0, [])]), ServerNameTests.hello([(0, [0, 9, 0, 0])]),
        ServerNameTests.hello([(0, [0, 4, 1, 0, 1, 65])]),
    ])
    func `no name`(bytes: [UInt8]) { #expect(Self.read(bytes) == nil) }

    @Test func `no damage is more than no name`() {
        let bytes = Self.hello([Self.serverName("a.example")])
        for index in bytes.indices {
            for value in [0, 1, 127, 128, 255] as [UInt8] {
                var damaged = bytes
                damaged[index] = value
                // Whatever it is, it is within what was sent.
                if case .name(let range) = ServerName.read(damaged.span) {
                    #expect(range.upperBound <= damaged.count && !range.isEmpty)
                }
            }
        }
    }

    @Test(arguments: [
        ("a.example", "a.example", true), ("a.example", "A.Example", true), ("a.example", "b.example", false),
        ("a.example", "aa.example", false), ("*.example", "a.example", true), ("*.example", "a.b.example", false),
        ("*.example", ".example", false), ("*.example", "example", false), ("*.Example", "X.EXAMPLE", true),
    ])
    func `a pattern`(pattern: String, name: String, matches: Bool) {
        let bytes = Array(name.utf8)
        #expect(ServerNamePattern(pattern).matches(bytes.span, ByteRange(start: 0, count: bytes.count)) == matches)
    }
}
