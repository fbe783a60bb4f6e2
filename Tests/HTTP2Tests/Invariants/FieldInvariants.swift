import Bytes
import HTTP1
import HTTP2

/// The fields of one request, as a fuzzer makes them up: what is handed out says the same to the parser of HTTP/1.1.
enum FieldInvariants {
    /// Names that matter, so that they need not be found letter by letter.
    static let names = [
        ":method", ":path", ":scheme", ":authority", ":protocol", ":status", "host", "cookie", "content-length",
        "transfer-encoding", "te", "connection", "upgrade", "sec-websocket-key", "expect", "transfer_encoding",
    ]

    struct Request {
        var fields: [(name: [UInt8], value: [UInt8])] = []
        var ends = true

        /// A byte for whether it ends and whether the usual pseudo-header fields are there; then, for each field, a byte for its name (one of
        /// ``names``, or how many bytes follow), and a byte for how many bytes its value has.
        init(_ bytes: [UInt8]) {
            var rest = bytes[...]
            let first = rest.popFirst() ?? 0
            self.ends = first & 1 == 0
            if first & 2 == 0 {
                for (name, value) in [
                    (":method", "GET"), (":scheme", "https"), (":authority", "a.example"), (":path", "/"),
                ]
                where first & 4 == 0 || name != ":method" {
                    self.fields.append((Array(name.utf8), Array(value.utf8)))
                }
            }
            while let tag = rest.popFirst() {
                var name = Array(FieldInvariants.names[Int(tag) % FieldInvariants.names.count].utf8)
                if tag >= 128 {
                    let count = min(Int(tag) & 0x1f, rest.count)
                    name = Array(rest.prefix(count))
                    rest = rest.dropFirst(count)
                }
                let count = min(Int(rest.popFirst() ?? 0), rest.count)
                self.fields.append((name, Array(rest.prefix(count))))
                rest = rest.dropFirst(count)
            }
        }

        /// The values of all fields with that name.
        func values(_ name: String) -> [[UInt8]] {
            self.fields.filter { $0.name == Array(name.utf8) }.map(\.value)
        }
    }

    static func check(_ bytes: [UInt8]) throws(Violation) {
        let request = Request(bytes)
        let block = Wire.block(request.fields.map { ($0.name, $0.value) })
        guard block.count <= 16_384 else { return }
        let server = Peer.server()
        let told = server.feed(
            Wire.frame(
                Wire.headers, flags: Wire.endHeaders | (request.ends ? Wire.endStream : 0), stream: 1, block))
        try require(server.failure == nil, "\(String(describing: server.failure))")
        try require(told.count <= 1, "\(told)")
        switch told.first {
        case .head(1, _, let ends):
            try require(ends == request.ends, "another end")
            try Self.compare(request, server.lastHead)
        case .refused(1, _, let ends): try require(ends == request.ends, "another end")
        case nil:
            let frames = server.frames()
            try require(frames.count == 1 && frames[0].type == Wire.reset, "neither told nor reset: \(frames)")
        default: throw Violation("\(told)")
        }
        try require(server.feed(Wire.headers(3, Wire.get())).count == 1, "the connection does not go on")
    }

    private static func compare(_ request: Request, _ text: [UInt8]) throws(Violation) {
        var table = FieldTable()
        let head: RequestHead
        switch RequestParser.parse(text.span, limits: MessageLimits(underscores: .allow), fields: &table) {
        case .complete(let complete): head = complete
        case .refused: return
        case .incomplete: throw Violation("no whole head: \(String(decoding: text, as: UTF8.self))")
        }
        func part(_ range: Range<Int>) -> [UInt8] { Array(text[range]) }
        let isConnect = request.values(":method") == [Array("CONNECT".utf8)]
        try require(head.length == text.count, "a head of \(head.length) in \(text.count) bytes")
        try require(
            part(head.methodName.indices) == (isConnect ? Array("GET".utf8) : request.values(":method").first),
            "another method")
        try require(part(head.target.indices) == request.values(":path").first, "another target")
        let authority = request.values(":authority").first ?? request.values("host").first
        try require(part(head.authority.text.indices) == authority, "another authority")
        try require(head.keepsAlive, "the connection ends")

        let lengths = request.values("content-length")
        let framing: RequestFraming
        if let length = lengths.first.flatMap({ UInt64(String(decoding: $0, as: UTF8.self)) }) {
            framing = length == 0 ? .none : .length(length)
        } else {
            framing = request.ends || isConnect ? .none : .chunked
        }
        try require(lengths.count <= 1 && head.framing == framing, "framed \(head.framing), not \(framing)")
        if isConnect { try require(head.upgrade == .webSocket, "no WebSocket") }
        if !isConnect { try require(head.upgrade == .none, "an upgrade") }
        for name in ["transfer-encoding", "connection", "upgrade"] {
            try require(request.values(name).isEmpty, "\(name) is handed out")
        }

        // Fields of no concern are all there, in their order, as they were.
        func isOurs(_ name: [UInt8]) -> Bool {
            name.first == 0x3a
                || [
                    "host", "cookie", "transfer-encoding", "content-length", "connection", "upgrade",
                    "sec-websocket-key",
                ].contains(String(decoding: name, as: UTF8.self))
        }
        let before = request.fields.filter { !isOurs($0.name) }
        var after: [(name: [UInt8], value: [UInt8])] = []
        for index in 0..<table.count {
            let name = part(table[index].name.indices)
            if !isOurs(name.map { $0 | 0x20 }) { after.append((name, part(table[index].value.indices))) }
        }
        try require(before.map(\.name) == after.map(\.name), "other fields")
        try require(before.map(\.value) == after.map(\.value), "other values")
        let cookies = request.values("cookie").filter { !$0.isEmpty }.joined(separator: Array("; ".utf8))
        let cookie = (0..<table.count).filter { table[$0].field == .cookie }.map { part(table[$0].value.indices) }
        try require(cookie.count <= 1, "\(cookie.count) cookies")
        try require((cookie.first ?? []) == Array(cookies), "another cookie")
    }
}
