/// A body in chunks (RFC 9112 section 7.1), read strictly as it comes.
struct ChunkedBody: Sendable {
    private enum State {
        case size
        case data(remaining: Int)
        case dataEnd
        case trailers
        case ended
    }

    private var state = State.size
    private var line: [UInt8] = []
    private(set) var trailers: [HTTPField] = []
    /// The lines that gave sizes, with their extensions.
    private(set) var sizeLines: [String] = []

    var hasEnded: Bool { if case .ended = self.state { true } else { false } }

    /// Takes what belongs to the body from the front of `bytes`, says how much that was, and gives the content.
    mutating func take(_ bytes: ArraySlice<UInt8>, content: (ArraySlice<UInt8>) -> Void) throws -> Int {
        var rest = bytes
        while !rest.isEmpty, !self.hasEnded {
            if case .data(let remaining) = self.state {
                let piece = rest.prefix(remaining)
                content(piece)
                rest = rest.dropFirst(piece.count)
                self.state = piece.count == remaining ? .dataEnd : .data(remaining: remaining - piece.count)
                continue
            }
            guard let end = rest.firstIndex(of: 10) else {
                self.line += rest
                guard self.line.count <= 1 << 20 else { throw LabError("a line of a chunked body has no end") }
                return bytes.count
            }
            self.line += rest[...end]
            rest = rest[(end + 1)...]
            guard self.line.count >= 2, self.line[self.line.count - 2] == 13 else {
                throw LabError("a line of a chunked body ends in a bare line feed")
            }
            try self.endLine(self.line.dropLast(2))
            self.line = []
        }
        return bytes.count - rest.count
    }

    private mutating func endLine(_ line: ArraySlice<UInt8>) throws {
        switch self.state {
        case .size:
            self.sizeLines.append(String(decoding: line, as: UTF8.self))
            let digits = line.prefix { $0 != UInt8(ascii: ";") }
            guard !digits.isEmpty, digits.count <= 15,
                let size = Int(String(decoding: digits, as: UTF8.self), radix: 16), size >= 0,
                digits.first != UInt8(ascii: "+")
            else { throw LabError("no size of a chunk: \(String(decoding: line, as: UTF8.self))") }
            self.state = size == 0 ? .trailers : .data(remaining: size)
        case .dataEnd:
            guard line.isEmpty else { throw LabError("a chunk is longer than it said") }
            self.state = .size
        case .trailers:
            if line.isEmpty {
                self.state = .ended
            } else {
                self.trailers.append(try HTTPField(line: line))
            }
        case .data, .ended:
            break
        }
    }
}
