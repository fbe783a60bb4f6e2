import Bytes
import HTTP1

// What has to hold for any bytes whatever. Used by the tests with what they make up, and by the fuzzers of Tests/Fuzz with
// what they find.

/// Something that must never be is.
struct Violation: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

func require(_ condition: Bool, _ description: @autoclosure () -> String) throws(Violation) {
    if !condition { throw Violation(description()) }
}

/// Where to cut bytes into pieces: depends on the bytes alone, so that a finding can be found again.
struct Cuts {
    private var state: UInt64

    init(_ bytes: [UInt8], salt: UInt64 = 0) {
        self.state = bytes.reduce(0xcbf2_9ce4_8422_2325 ^ salt) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 } | 1
    }

    /// A number below `bound`.
    mutating func next(_ bound: Int) -> Int {
        self.state ^= self.state << 13
        self.state ^= self.state >> 7
        self.state ^= self.state << 17
        return Int(self.state % UInt64(bound))
    }

    /// The lengths of the pieces: each byte by itself, or a few pieces.
    static func pieces(of bytes: [UInt8], one: Bool) -> [Int] {
        guard !one else { return Array(repeating: 1, count: bytes.count) }
        var cuts = Cuts(bytes)
        var pieces: [Int] = []
        var left = bytes.count
        while left > 0 {
            let piece = min(left, 1 + cuts.next(cuts.next(3) == 0 ? 200 : 12))
            pieces.append(piece)
            left -= piece
        }
        return pieces
    }
}

/// A field line as text, to compare.
struct Field: Equatable, CustomStringConvertible {
    var name: [UInt8]
    var value: [UInt8]
    var known: KnownField
    var isDropped: Bool

    init(_ bytes: [UInt8], _ line: FieldLine) {
        self.name = Array(bytes[line.name.indices])
        self.value = Array(bytes[line.value.indices])
        self.known = line.field
        self.isDropped = line.isDropped
    }

    var description: String {
        "\(String(decoding: self.name, as: UTF8.self)): \(String(decoding: self.value, as: UTF8.self))"
            + (self.isDropped ? " (dropped)" : "")
    }

    static func all(_ bytes: [UInt8], _ table: borrowing FieldTable) -> [Field] {
        var fields: [Field] = []
        for index in 0..<table.count { fields.append(Field(bytes, table[index])) }
        return fields
    }
}

extension [UInt8] {
    subscript(_ range: ByteRange) -> [UInt8] { Array(self[range.indices]) }

    var text: String { String(decoding: self, as: UTF8.self) }
}
