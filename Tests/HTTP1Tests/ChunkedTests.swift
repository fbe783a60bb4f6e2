import Bytes
import HTTP1
import Testing

@Suite("Chunks")
struct ChunkedTests {
    static func decode(_ text: String, limits: MessageLimits = MessageLimits()) throws -> ChunkedInvariants.Body {
        let bytes = Array(text.utf8)
        try ChunkedInvariants.check(bytes, limits: limits)
        return try ChunkedInvariants.decode(bytes, pieces: [bytes.count], limits: limits)
    }

    @Test(
        "sound",
        arguments: [
            ("0\r\n\r\n", "", 5),
            ("5\r\nhello\r\n0\r\n\r\nnext", "hello", 15),
            ("1\r\na\r\n2\r\nbc\r\n00\r\n\r\n", "abc", 19),
            ("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789", 35),
            ("000000000000000a\r\n0123456789\r\n0\r\n\r\n", "0123456789", 35),
            ("5;name=value;other=\"quoted; x\"\r\nhello\r\n0;last\r\n\r\n", "hello", 49),
            ("5 \t ;x\r\nhello\r\n0\r\n\r\n", "hello", 20),
            ("5;\r\nhello\r\n0\r\n\r\n", "hello", 16),
            ("2\r\n\r\n\r\n0\r\n\r\n", "\r\n", 12),
        ])
    func sound(_ text: String, _ data: String, _ consumed: Int) throws {
        let body = try Self.decode(text)
        #expect(body.data.text == data)
        #expect(body.isComplete)
        #expect(body.consumed == consumed)
    }

    static let malformed: [FaultRow] = [
        FaultRow("0x5\r\nhello\r\n0\r\n\r\n", .invalidChunkSize),
        FaultRow("-5\r\nhello\r\n", .invalidChunkSize),
        FaultRow("+5\r\nhello\r\n", .invalidChunkSize),
        FaultRow(" 5\r\nhello\r\n", .invalidChunkSize),
        FaultRow("5 \r\nhello\r\n", .invalidChunkSize),
        FaultRow("5 x\r\nhello\r\n", .invalidChunkSize),
        FaultRow("\r\n", .invalidChunkSize),
        FaultRow("g\r\n", .invalidChunkSize),
        FaultRow("FFFFFFFFFFFFFFFFF\r\n", .chunkTooLarge),
        FaultRow("FFFFFFFFFFFFFFFF\r\n", .chunkTooLarge),
        FaultRow("8000000000000000\r\n", .chunkTooLarge),
        FaultRow("00000000000000005\r\nhello\r\n", .chunkTooLarge),
        FaultRow("5\r\nhello world\r\n0\r\n\r\n", .missingChunkEnd),
        FaultRow("5\r\nhello0\r\n\r\n", .missingChunkEnd),
        FaultRow("5\r\nhello\n0\r\n\r\n", .missingChunkEnd),
        FaultRow("5\r\nhello\rX0\r\n\r\n", .missingChunkEnd),
        FaultRow("5\nhello\r\n0\r\n\r\n", .bareLineFeed),
        FaultRow("5\rhello\r\n", .bareCarriageReturn),
        FaultRow("5;a\nb\r\nhello\r\n", .bareLineFeed),
        FaultRow("5;a\rb\r\nhello\r\n", .bareCarriageReturn),
        FaultRow("5;a\0b\r\nhello\r\n", .controlCharacter),
        FaultRow("5;" + String(repeating: "a", count: 256) + "\r\nhello\r\n", .chunkExtensionTooLong),
        FaultRow("5;" + String(repeating: "a", count: 65_536), .chunkExtensionTooLong),
        FaultRow("5" + String(repeating: " ", count: 300) + ";\r\nhello\r\n", .chunkExtensionTooLong),
        FaultRow("0\r\nX : y\r\n\r\n", .spaceBeforeColon),
        FaultRow("0\r\n folded\r\n\r\n", .foldedField),
        FaultRow("0\r\nX: y\n\r\n", .bareLineFeed),
        FaultRow("0\r\nX: y\0\r\n\r\n", .controlCharacter),
        FaultRow("0\r\nnonsense\r\n\r\n", .noColon),
        FaultRow("0\r\n\rX", .bareCarriageReturn),
        FaultRow("0\r\n\nX", .bareLineFeed),
        FaultRow("0\r\n" + String(repeating: "X: y\r\n", count: 33) + "\r\n", .tooManyTrailers),
        FaultRow("0\r\nX: " + String(repeating: "y", count: 5_000) + "\r\n\r\n", .trailersTooLarge),
        FaultRow(
            "0\r\n" + String(repeating: "X: " + String(repeating: "y", count: 500) + "\r\n", count: 10) + "\r\n",
            .trailersTooLarge),
    ]

    @Test("malformed", arguments: ChunkedTests.malformed)
    func isMalformed(_ row: FaultRow) throws {
        let body = try Self.decode(row.text)
        #expect(body.fault == row.fault)
        #expect(!body.isComplete)
    }

    @Test("an extension may be as long as its limit, for each chunk")
    func extensions() throws {
        let chunk = "1;\(String(repeating: "a", count: 255))\r\nx\r\n"
        let body = try Self.decode(String(repeating: chunk, count: 5) + "0\r\n\r\n")
        #expect(body.data.text == "xxxxx")
        #expect(body.isComplete)
    }

    @Test("trailers: forbidden ones are marked, allowed ones are not")
    func trailers() throws {
        let forbidden = [
            "Content-Length", "Transfer-Encoding", "Host", "Authorization", "TE", "Trailer", "Connection", "Cookie",
            "Set-Cookie", "Content-Type", "Content-Encoding", "Content-Range", "Cache-Control", "Expect",
            "Max-Forwards",
            "Pragma", "Range", "If-Match", "If-None-Match", "WWW-Authenticate", "Proxy-Authenticate",
            "Proxy-Authorization",
            "Proxy-Status", "Age", "Date", "Expires", "Location", "Retry-After", "Vary", "Warning", "X-Forwarded-For",
            "X-Forwarded-Prefix", "X-Real-IP", "Forwarded", "X-Request-ID", "X-Original-URL", "Upgrade", "Keep-Alive",
            "Authentication-Info", "Transfer_Encoding", "X_Any",
        ]
        let allowed = [
            "Grpc-Status", "Grpc-Message", "Server-Timing", "Digest", "Content-Digest", "ETag", "X-Any", "Rangers",
        ]
        let lines = (forbidden + allowed).map { "\($0): v\r\n" }.joined()
        let body = try Self.decode("0\r\n\(lines)\r\n", limits: MessageLimits(trailerFields: 100))
        #expect(body.trailers.filter(\.isDropped).map(\.name.text) == forbidden)
        #expect(body.trailers.filter { !$0.isDropped }.map(\.name.text) == allowed)
        #expect(body.isComplete)
    }

    @Test("a large chunk comes in as few steps as there are pieces")
    func steps() {
        var decoder = ChunkedDecoder(limits: MessageLimits())
        let size = Array("100000\r\n".utf8)
        let piece = [UInt8](repeating: 7, count: 65_536)
        let first = decoder.next((size + piece).span)
        #expect(first.event == .data(ByteRange(start: size.count, count: 65_536)))
        #expect(first.consumed == size.count + 65_536)
        for _ in 0..<15 {
            let step = decoder.next(piece.span)
            #expect(step.event == .data(ByteRange(start: 0, count: 65_536)))
            #expect(step.consumed == 65_536)
        }
        let end = decoder.next(Array("\r\n0\r\n\r\n".utf8).span)
        #expect(end.event == .end)
        #expect(end.consumed == 7)
        #expect(decoder.isDone)
    }

    @Test("chunks of one byte take no more than a step each")
    func singleBytes() {
        var decoder = ChunkedDecoder(limits: MessageLimits())
        let window = Array(String(repeating: "1\r\nx\r\n", count: 1_000).utf8)
        var steps = 0
        var data = 0
        for _ in 0..<10 {
            var position = 0
            while true {
                let step = decoder.next(window.span.extracting(position..<window.count))
                position += step.consumed
                steps += 1
                guard case .data(let range) = step.event else { break }
                data += Int(range.count)
            }
            #expect(position == window.count)
        }
        #expect(data == 10_000)
        #expect(steps <= 10_000 + 20)
    }

    @Test("what does not fit is not written")
    func space() {
        let data = Array("0123456789".utf8)
        var buffer = ByteBuffer(capacity: 24)
        let range = ByteRange(start: 0, count: 10)
        let written = ChunkedEncoder.writeChunk(data.span, range, into: &buffer)
        #expect(written == 4)
        #expect(buffer.contents.text == "4\r\n0123\r\n")
        let nothing = ChunkedEncoder.writeChunk(data.span, range, into: &buffer)
        #expect(nothing == 0)
        let size = ChunkedEncoder.writeSize(10, into: &buffer)
        #expect(!size)
        #expect(buffer.contents.count == 9)
    }
}
