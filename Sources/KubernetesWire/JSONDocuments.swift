/// Finds where JSON documents end that follow each other in a stream, with or without white space between
/// them. Looks at each byte once, however the stream is cut; whether the document is JSON in all else is for
/// its decoder to say.
struct JSONDocumentScanner: Sendable {
    private var nesting = JSONNesting()
    /// Bytes of the unfinished document that have been looked at.
    private var scanned = 0

    /// The length of the first document in `bytes`, which begin with no white space; nil if it is not all there.
    /// To be asked with the same bytes and those that came after them, until there is an answer.
    mutating func documentLength(_ bytes: ArraySlice<UInt8>) throws(WireError) -> Int? {
        guard let first = bytes.first else { return nil }
        guard first == UInt8(ascii: "{") else {
            throw WireError(.malformed, "a JSON document in the stream is no object")
        }
        for index in bytes.indices.dropFirst(self.scanned) {
            self.nesting.step(bytes[index])
            if self.nesting.depth == 0 {
                self = JSONDocumentScanner()
                return index - bytes.startIndex + 1
            }
        }
        self.scanned = bytes.count
        return nil
    }

    static func isWhiteSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09
    }
}

/// How deep in objects and lists a byte of JSON is.
struct JSONNesting: Sendable {
    private(set) var depth = 0
    private(set) var isInString = false
    private var isEscaped = false

    mutating func step(_ byte: UInt8) {
        if self.isInString {
            if self.isEscaped {
                self.isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                self.isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                self.isInString = false
            }
            return
        }
        switch byte {
        case UInt8(ascii: "\""): self.isInString = true
        case UInt8(ascii: "{"), UInt8(ascii: "["): self.depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"): self.depth -= 1
        default: break
        }
    }
}

/// The members of one JSON object, as the bytes they are written in.
struct JSONMembers {
    private var members: [(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)] = []

    /// Of a document that is nested rightly.
    init(_ document: ArraySlice<UInt8>) {
        var nesting = JSONNesting()
        var start = document.startIndex
        var name: ArraySlice<UInt8>?
        for index in document.indices {
            let byte = document[index]
            let isOutside = nesting.depth == 1 && !nesting.isInString
            nesting.step(byte)
            if isOutside, byte == UInt8(ascii: ":"), name == nil {
                name = Self.trimmed(document[start..<index])
                start = index + 1
            } else if isOutside, byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") {
                if let name { self.members.append((name, Self.trimmed(document[start..<index]))) }
                name = nil
                start = index + 1
            } else if nesting.depth == 1, start == document.startIndex {
                start = index + 1
            }
        }
    }

    /// A member's value; names with escapes in them are not found.
    subscript(name: String) -> ArraySlice<UInt8>? {
        self.members.first { $0.name.elementsEqual("\"\(name)\"".utf8) }?.value
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes.drop(while: JSONDocumentScanner.isWhiteSpace)
        while let last = bytes.last, JSONDocumentScanner.isWhiteSpace(last) { bytes.removeLast() }
        return bytes
    }
}
