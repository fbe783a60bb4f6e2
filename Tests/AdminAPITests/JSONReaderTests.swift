import Testing

@testable import AdminAPI

/// JSON as others may write it, and what is none.
@Suite struct JSONReaderTests {
    private static func string(_ text: String) throws -> String {
        var json = JSONReader(Array(text.utf8))
        let value = try json.string()
        try json.finish()
        return value
    }

    private static func skip(_ text: some Sequence<UInt8>) throws {
        var json = JSONReader(Array(text))
        try json.skip()
        try json.finish()
    }

    @Test(arguments: [
        (#""""#, ""), (#" "web" "#, "web"), (#""a\"b\\c\/d\b\f\n\r\te""#, "a\"b\\c/d\u{8}\u{c}\n\r\te"),
        (#""\u00fc\u20ac ü€""#, "ü€ ü€"), (#""\ud83d\ude00""#, "😀"),
    ])
    func `strings, with every escape`(text: String, value: String) throws {
        #expect(try Self.string(text) == value)
    }

    @Test(arguments: [
        "", "\"", "\"a", "web", "\"a\nb\"", #""\x""#, #""\u12""#, #""\ud83d""#, #""\ud83d\u0041""#, #""\ude00""#,
        #""a" "b""#, #""\"#,
    ])
    func `what is no string`(text: String) {
        #expect(throws: JSONReader.Malformed.self) { try Self.string(text) }
    }

    @Test func `bytes that are not UTF-8 are no string`() {
        #expect(throws: JSONReader.Malformed.self) { try Self.skip([0x22, 0xff, 0x22]) }
    }

    @Test func `numbers fit or are errors`() throws {
        func number(_ text: String) throws -> UInt16 {
            var json = JSONReader(Array(text.utf8))
            let value: UInt16 = try json.integer()
            try json.finish()
            return value
        }
        #expect(try number(" 65535 ") == 65_535)
        #expect(try number("0") == 0)
        for text in ["65536", "-1", "1.0", "1e3", "", "x", "99999999999999999999", "-"] {
            #expect(throws: JSONReader.Malformed.self, "\(text)") { try number(text) }
        }
        var negative = JSONReader(Array("-128".utf8))
        let value: Int8 = try negative.integer()
        #expect(value == -128)
    }

    @Test(arguments: ["{}", "[]", "[1,-2.5e+3,true,false,null,\"x\",{\"a\":{\"b\":[]}}]", " { \"a\" : [ ] } "])
    func `anything is passed over`(text: String) throws {
        try Self.skip(text.utf8)
    }

    @Test(arguments: ["{", "[1", "[1,]", "{\"a\"}", "{\"a\":}", "{,}", "tru", "nul", "[1 2]", "{} {}", "+", "{a:1}"])
    func `what is not JSON is not`(text: String) {
        #expect(throws: JSONReader.Malformed.self) { try Self.skip(text.utf8) }
    }

    @Test func `there is an end to depth`() throws {
        try Self.skip((String(repeating: "[", count: 60) + String(repeating: "]", count: 60)).utf8)
        #expect(throws: JSONReader.Malformed.self) { try Self.skip(String(repeating: "[", count: 1_000_000).utf8) }
    }
}
