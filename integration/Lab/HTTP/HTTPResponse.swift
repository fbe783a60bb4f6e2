/// A header or trailer field, as it was spelled.
package struct HTTPField: Sendable, Hashable, CustomStringConvertible {
    package let name: String
    package let value: String

    package var description: String { "\(self.name): \(self.value)" }

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// A field line without its CRLF (RFC 9112 section 5); throws if it is none.
    init(line: ArraySlice<UInt8>) throws {
        let text = String(decoding: line, as: UTF8.self)
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex else {
            throw LabError("no field: \(text)")
        }
        let isToken = line[..<colon].allSatisfy { $0 > 32 && $0 < 127 }
        guard isToken, !line.contains(13), !line.contains(0) else { throw LabError("no field: \(text)") }
        self.name = String(decoding: line[..<colon], as: UTF8.self)
        let value = line[(colon + 1)...].drop { $0 == 32 || $0 == 9 }
        let end = value.lastIndex { $0 != 32 && $0 != 9 }.map { $0 + 1 } ?? value.startIndex
        self.value = String(decoding: value[..<end], as: UTF8.self)
    }
}

extension [HTTPField] {
    /// The values of all fields of that name, whatever its case.
    package func values(_ name: String) -> [String] {
        let name = name.lowercased()
        return self.filter { $0.name.lowercased() == name }.map(\.value)
    }
}

/// An answer, read strictly: what a lenient client would let pass is an error here.
package struct HTTPResponse: Sendable {
    /// How the end of the body was found.
    package enum Framing: Sendable, Hashable {
        /// There is none: HEAD, 1xx, 204, 304.
        case none
        case length, chunked, untilClose
    }

    package let version: String
    package let status: Int
    package let reason: String
    package let fields: [HTTPField]
    /// 1xx before it.
    package internal(set) var interim: [HTTPResponse] = []
    package internal(set) var framing = Framing.none
    /// The front of the body, at most as much as was asked to be kept.
    package internal(set) var body: [UInt8] = []
    /// All of it.
    package internal(set) var bodyLength = 0
    package internal(set) var trailers: [HTTPField] = []

    /// A head without the empty line at its end.
    init(head: ArraySlice<UInt8>) throws {
        let lines = try HTTPLines.split(head)
        let words = (lines.first ?? []).split(separator: 32, maxSplits: 2, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard words.count >= 2, ["HTTP/1.0", "HTTP/1.1"].contains(words[0]), words[1].utf8.count == 3,
            let status = Int(words[1]), status >= 100
        else { throw LabError("no status line: \(words.joined(separator: " "))") }
        self.version = words[0]
        self.status = status
        self.reason = words.count > 2 ? words[2] : ""
        self.fields = try lines.dropFirst().map { try HTTPField(line: $0) }
    }

    /// The fields of an HTTP/2 answer (RFC 9113 section 8.3.2); throws on any that may not be in one.
    init(http2 fields: [HTTPField]) throws {
        let status = fields.first.flatMap { $0.name == ":status" ? Int($0.value) : nil }
        guard let status, (100...599).contains(status) else { throw LabError("no :status first: \(fields)") }
        self.version = "HTTP/2"
        self.status = status
        self.reason = ""
        self.fields = Array(fields.dropFirst())
        try self.fields.expectRegularHTTP2()
    }

    /// The value of the only field of that name; of several, all, joined by commas.
    package subscript(name: String) -> String? {
        let values = self.fields.values(name)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    package var text: String { String(decoding: self.body, as: UTF8.self) }

    /// Whether the sender says that it closes the connection.
    package var closes: Bool {
        self.framing == .untilClose || self["Connection"]?.lowercased() == "close"
            || (self.version == "HTTP/1.0" && self["Connection"]?.lowercased() != "keep-alive")
    }

    /// RFC 9112 section 6.3, for an answer to `method`.
    func expectedFraming(for method: String) throws -> (framing: Framing, length: Int) {
        let lengths = self.fields.values("Content-Length")
        let codings = self.fields.values("Transfer-Encoding")
        guard lengths.count <= 1, codings.count <= 1, lengths.isEmpty || codings.isEmpty else {
            throw LabError("ambiguous length: \(self.fields)")
        }
        let length = try lengths.first.map {
            guard let length = Int($0), length >= 0, String(length) == $0 else { throw LabError("no length: \($0)") }
            return length
        }
        if method == "HEAD" || self.status / 100 == 1 || self.status == 204 || self.status == 304 { return (.none, 0) }
        if method == "CONNECT", self.status / 100 == 2 { return (.none, 0) }
        if let length { return (.length, length) }
        if let coding = codings.first {
            guard coding == "chunked" else { throw LabError("unknown coding: \(coding)") }
            return (.chunked, 0)
        }
        return (.untilClose, 0)
    }
}

/// Lines that end in CRLF.
enum HTTPLines {
    /// The lines of a head without the empty one; throws on a line feed or carriage return by itself.
    static func split(_ head: ArraySlice<UInt8>) throws -> [ArraySlice<UInt8>] {
        try head.split(separator: 10, omittingEmptySubsequences: false).enumerated().map { index, line in
            // The last one has lost its CRLF to the caller.
            let isLast = line.endIndex == head.endIndex
            guard isLast || line.last == 13 else { throw LabError("line \(index + 1) has no carriage return") }
            let content = isLast ? line : line.dropLast()
            guard !content.contains(13) else { throw LabError("line \(index + 1) has a carriage return inside") }
            return content
        }
    }

    /// Where the head that begins at `start` ends and what follows begins; nil if its end has not come.
    /// `from` is where to begin to look.
    static func headEnd(_ bytes: [UInt8], from: Int) -> Int? {
        let span = bytes.span
        var index = max(0, from)
        while index + 3 < span.count {
            // Most bytes are no line ends: every second one is enough to look at.
            switch span[index + 3] {
            case 10:
                if span[index] == 13, span[index + 1] == 10, span[index + 2] == 13 { return index + 4 }
                index += 2
            case 13: index += 1
            default: index += 4
            }
        }
        return nil
    }
}
