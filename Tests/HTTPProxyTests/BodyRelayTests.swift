import Bytes
import HTTP1
import Lab
import LineSupport
import Testing

@testable import HTTPProxy

/// A body on its way: of which message, how its end is found, and how it is told.
enum Passage: CaseIterable {
    case requestByLength
    case requestInChunks
    case answerByLength
    case answerInChunks
    /// For a client that speaks HTTP/1.0.
    case answerInChunksUntilClose
    case answerUntilCloseInChunks
    case answerUntilClose

    func relay(_ length: Int, limit: UInt64 = 0, limits: MessageLimits = MessageLimits()) -> BodyRelay {
        let length = UInt64(length)
        return switch self {
        case .requestByLength:
            BodyRelay(length == 0 ? RequestFraming.none : .length(length), limit: limit, limits: limits)
        case .requestInChunks: BodyRelay(RequestFraming.chunked, limit: limit, limits: limits)
        case .answerByLength:
            BodyRelay(
                length == 0 ? ResponseFraming.none : .length(length), as: length == 0 ? .none : .length(length),
                limits: limits)
        case .answerInChunks: BodyRelay(.chunked, as: .chunked, limits: limits)
        case .answerInChunksUntilClose: BodyRelay(.chunked, as: .untilClose, limits: limits)
        case .answerUntilCloseInChunks: BodyRelay(.untilClose, as: .chunked, limits: limits)
        case .answerUntilClose: BodyRelay(.untilClose, as: .untilClose, limits: limits)
        }
    }

    var comesInChunks: Bool {
        switch self {
        case .requestInChunks, .answerInChunks, .answerInChunksUntilClose: true
        default: false
        }
    }

    var goesInChunks: Bool {
        switch self {
        case .requestInChunks, .answerInChunks, .answerUntilCloseInChunks: true
        default: false
        }
    }

    /// The end is that of the connection.
    var endsWithConnection: Bool { self == .answerUntilClose || self == .answerUntilCloseInChunks }

    static var isOfRequest: [Passage] { [.requestByLength, .requestInChunks] }

    /// What is sent, taken apart; nil if it is not what the framing says.
    func decode(_ sent: [UInt8]) -> ChunkedText.Body? {
        self.goesInChunks ? ChunkedText.decode(sent) : ChunkedText.Body(data: sent)
    }
}

@Suite struct BodyRelayTests {
    /// Bytes that are not those of framing, and some that are.
    private static func data(_ count: Int, _ random: inout SeededGenerator) -> [UInt8] {
        (0..<count).map { _ in
            Int.random(in: 0..<4, using: &random) == 0
                ? [10, 13, 48, 59].randomElement(using: &random) ?? 10 : UInt8(truncatingIfNeeded: random.next())
        }
    }

    private static let next = Array("GET /next HTTP/1.1\r\n".utf8)

    /// - Parameter follows: bytes of the next message, which are nobody's here.
    private static func expect(
        _ outcome: BodyCourse.Outcome, _ passage: Passage, _ body: ChunkedText.Body, follows: [UInt8],
        _ comment: Comment
    ) {
        #expect(outcome.end == .complete, comment)
        #expect(outcome.transferred == UInt64(body.data.count), comment)
        #expect(outcome.left == follows, comment)
        let decoded = passage.decode(outcome.sent)
        #expect(decoded?.data == body.data, comment)
        #expect(decoded?.trailers == (passage.goesInChunks ? body.trailers : []), comment)
    }

    // MARK: - What goes in comes out

    @Test(arguments: Passage.allCases)
    func `wherever it is cut, what comes out is what went in`(passage: Passage) {
        var random = SeededGenerator(seed: 11)
        let body = ChunkedText.Body(
            data: Self.data(150, &random),
            trailers: passage.comesInChunks ? ["Digest: abc=", "X-Two: "] : [])
        let input =
            passage.comesInChunks
            ? ChunkedText.encode(body.data, sizes: [7, 1, 60, 16], trailers: body.trailers, extended: true) : body.data
        let follows = passage.endsWithConnection ? [] : Self.next
        for first in 0...input.count {
            for second in [1, input.count] {
                let course = BodyCourse(arrivals: [first, second], closes: passage.endsWithConnection)
                let outcome = course.run(passage.relay(body.data.count), input + follows)
                Self.expect(outcome, passage, body, follows: follows, "cut at \(first), then \(second) at once")
            }
        }
        // Each byte by itself, in and out.
        let course = BodyCourse(arrivals: [1], departures: [1], closes: passage.endsWithConnection)
        Self.expect(
            course.run(passage.relay(body.data.count), input + follows), passage, body, follows: follows, "byte by byte"
        )
    }

    @Test(arguments: Passage.allCases, 0..<25 as Range<UInt64>)
    func `whatever arrives and departs at once, into buffers of any size`(passage: Passage, seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        func sizes(_ largest: Int) -> [Int] { (0..<16).map { _ in Int.random(in: 1...largest, using: &random) } }
        let size = [0, 1, 300, 5_000, 60_000, 200_000].randomElement(using: &random) ?? 0
        let trailers =
            passage.comesInChunks
            ? (0..<Int.random(in: 0...5, using: &random)).map { "X-\($0): \(String(repeating: "v", count: $0 * 90))" }
            : []
        let body = ChunkedText.Body(data: Self.data(size, &random), trailers: trailers)
        let chunks = sizes([1, 30, 4_096, 4_097, 50_000].randomElement(using: &random) ?? 1)
        // A body in chunks of some bytes is long enough without being long.
        let data = chunks.max() ?? 0 <= 30 ? Array(body.data.prefix(5_000)) : body.data
        let expected = ChunkedText.Body(data: data, trailers: trailers)
        let input =
            passage.comesInChunks
            ? ChunkedText.encode(data, sizes: chunks, trailers: trailers, extended: seed % 2 == 0) : data
        let follows = passage.endsWithConnection || seed % 3 == 0 ? [] : Self.next
        var course = BodyCourse(
            arrivals: sizes([10, 5_000, 70_000].randomElement(using: &random) ?? 1) + [40_000],
            departures: sizes([40, 6_000, 300_000].randomElement(using: &random) ?? 1) + [9_000],
            closes: passage.endsWithConnection)
        course.sourceCapacity = [1_024, 5_120, 20_480, 131_072].randomElement(using: &random) ?? 1_024
        course.stagedCapacity = BodyRelay.stepRoom + ([0, 1, 1_000, 16_384].randomElement(using: &random) ?? 0)
        course.keepsStaged = Passage.isOfRequest.contains(passage)
        let outcome = course.run(passage.relay(data.count), input + follows)
        Self.expect(
            outcome, passage, expected, follows: follows, "\(course), \(data.count) bytes in \(chunks.prefix(4))")
    }

    @Test(arguments: Passage.allCases)
    func `no body is complete at once, or when its connection is closed`(passage: Passage) {
        let input = passage.comesInChunks ? ChunkedText.encode([], sizes: [1]) : []
        let outcome = BodyCourse(closes: passage.endsWithConnection).run(passage.relay(0), input)
        Self.expect(outcome, passage, ChunkedText.Body(), follows: [], "")
        #expect(BodyRelay().isDone)
    }

    // MARK: - Copied or not

    @Test(arguments: Passage.allCases)
    func `a little is copied, more is sent from where it is`(passage: Passage) {
        for (count, isDirect) in [(1, false), (4_096, false), (4_097, true), (12_000, true)] {
            let data = [UInt8](repeating: 7, count: count)
            let input = passage.comesInChunks ? ChunkedText.encode(data, sizes: [count]) : data
            let outcome = BodyCourse(closes: passage.endsWithConnection).run(passage.relay(count), input)
            Self.expect(outcome, passage, ChunkedText.Body(data: data), follows: [], "\(count)")
            #expect(outcome.direct == (isDirect ? count : 0))
        }
    }

    @Test func `nothing is staged behind direct bytes that are not sent`() {
        var relay = BodyRelay(.chunked, as: .chunked, limits: MessageLimits())
        var source = ByteBuffer(capacity: 32_768)
        var staged = ByteBuffer(capacity: 16_384)
        let data = [UInt8](repeating: 1, count: 5_000)
        source.append(bytes: ChunkedText.encode(data, sizes: [5_000], trailers: ["a: b"])[...])
        for _ in 0..<3 {
            guard case .staged = relay.stage(from: &source, into: &staged) else {
                Issue.record("well-formed")
                return
            }
            #expect(relay.direct == 5_000)
            #expect(staged.bytes == Array("1388\r\n".utf8))
            #expect(!relay.isDone)
        }
        staged.clear()
        source.consume(4_999)
        relay.sent(4_999)
        _ = relay.stage(from: &source, into: &staged)
        #expect(relay.direct == 1 && staged.isEmpty == true)
        source.consume(1)
        relay.sent(1)
        #expect(!relay.isDone, "the line end is owed")
        _ = relay.stage(from: &source, into: &staged)
        #expect(staged.bytes == Array("\r\n0\r\na: b\r\n\r\n".utf8))
        #expect(relay.isDone && relay.progress.hasEnded && source.isEmpty == true)
    }

    /// Data that was sent from where it was, and the end of the connection right behind it: that was taken for an answer
    /// that was cut, once.
    @Test func `the connection is closed while a chunk's line end is owed`() {
        var relay = BodyRelay(.untilClose, as: .chunked, limits: MessageLimits())
        var source = ByteBuffer(capacity: 8_192)
        var staged = ByteBuffer(capacity: 8_192)
        source.append(bytes: [UInt8](repeating: 1, count: 8_192)[...])
        _ = relay.stage(from: &source, into: &staged)
        #expect(staged.bytes == Array("2000\r\n".utf8) && relay.direct == 8_192)
        staged.clear()
        source.consume(8_192)
        relay.sent(8_192)
        let isWhole = relay.sourceClosed(into: &staged)
        #expect(isWhole)
        #expect(staged.bytes == Array("\r\n0\r\n\r\n".utf8))
        #expect(relay.isDone)
    }

    @Test func `a closed connection ends what has no other end, and nothing else`() {
        for passage in Passage.allCases {
            var relay = passage.relay(10)
            var staged = ByteBuffer(capacity: 8_192)
            let isWhole = relay.sourceClosed(into: &staged)
            #expect(isWhole == passage.endsWithConnection)
            #expect(relay.isDone == passage.endsWithConnection)
            #expect(staged.isEmpty == !(passage == .answerUntilCloseInChunks))
            let input = passage.comesInChunks ? Array("a\r\n12345".utf8) : Array("12345".utf8)
            let outcome = BodyCourse(closes: true).run(passage.relay(10), input)
            #expect(outcome.end == (passage.endsWithConnection ? .complete : .cut), "\(passage)")
        }
    }

    @Test func `a tunnel passes on everything as it is`() {
        var random = SeededGenerator(seed: 3)
        let data = Self.data(70_000, &random)
        let outcome = BodyCourse(arrivals: [1, 5_000, 3], departures: [3, 9_000], closes: true).run(.unframed, data)
        #expect(outcome.end == .complete && outcome.sent == data)
    }

    // MARK: - Limits

    @Test(arguments: [(99, true), (100, true), (101, false), (60_000, false)])
    func `a body whose length nobody said may be as long as the limit`(count: Int, isAllowed: Bool) {
        let data = [UInt8](repeating: 5, count: count)
        for sizes in [[1], [10, 3], [70_000]] {
            let input = ChunkedText.encode(data, sizes: sizes)
            let outcome = BodyCourse(arrivals: [50, 4_000]).run(Passage.requestInChunks.relay(0, limit: 100), input)
            #expect(outcome.end == (isAllowed ? .complete : .tooLong))
            // What is passed on before it is known has no end, so nobody takes it for the whole.
            if !isAllowed { #expect(ChunkedText.decode(outcome.sent) == nil) }
        }
    }

    @Test func `without a limit there is none`() {
        let data = [UInt8](repeating: 5, count: 3_000_000)
        let outcome = BodyCourse(sourceCapacity: 131_072).run(
            Passage.requestInChunks.relay(0), ChunkedText.encode(data, sizes: [1_000_000]))
        #expect(outcome.end == .complete && outcome.transferred == 3_000_000)
    }

    @Test(arguments: [
        "5\nhello\r\n0\r\n\r\n", "5\r\nhello0\r\n\r\n", "x\r\n", "-1\r\n", "\r\n", "11111111111111111\r\n",
        "5\r\nhello\r\n0\r\nno colon\r\n\r\n", "5\r\nhello\r\n0\r\n folded: x\r\n\r\n",
        "5\r\nhello\r\n0\r\n" + (0..<33).map { "x\($0): y\r\n" }.joined() + "\r\n",
        "5;\(String(repeating: "e", count: 300))\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\r\nx: \(String(repeating: "e", count: 4_096))\r\n\r\n",
    ])
    func `chunks that are not as they should be end it, and have no end on the other side`(text: String) {
        for passage in [Passage.requestInChunks, .answerInChunks, .answerInChunksUntilClose] {
            for arrivals in [[1], [Int.max]] {
                let outcome = BodyCourse(arrivals: arrivals).run(passage.relay(0), Array(text.utf8))
                #expect(outcome.end == .malformed, "\(text.prefix(40))")
                if passage.goesInChunks { #expect(ChunkedText.decode(outcome.sent) == nil) }
            }
        }
    }

    // MARK: - Trailers

    @Test func `trailers that must not be are left out, the others go on`() {
        let input = ChunkedText.encode(
            Array("data".utf8), sizes: [4],
            trailers: [
                "X-Kept: 1", "Content-Length: 9", "Transfer-Encoding: chunked", "Host: evil", "x-under_score: 2",
                "X-Last: 3",
            ])
        for passage in [Passage.requestInChunks, .answerInChunks] {
            let outcome = BodyCourse().run(passage.relay(0), input)
            #expect(outcome.end == .complete)
            #expect(ChunkedText.decode(outcome.sent)?.trailers == ["X-Kept: 1", "X-Last: 3"])
        }
        let only = ChunkedText.encode([], sizes: [1], trailers: ["Content-Length: 9"])
        #expect(BodyCourse().run(Passage.answerInChunks.relay(0), only).sent == Array("0\r\n\r\n".utf8))
    }

    /// The largest trailer section that the default limits let in, behind data that has filled the buffer.
    @Test(arguments: [false, true])
    func `a long trailer waits for room`(keepsStaged: Bool) {
        var limits = MessageLimits()
        limits.trailers = 8_192
        let trailers = ["a: \(String(repeating: "1", count: 8_000))", "b: 2"]
        for size in stride(from: 0, through: 16_384, by: 512) {
            let data = [UInt8](repeating: 9, count: size)
            let input = ChunkedText.encode(data, sizes: [4_000], trailers: trailers)
            var course = BodyCourse(departures: [1_500])
            course.keepsStaged = keepsStaged
            course.sourceCapacity = 20_480
            let outcome = course.run(Passage.requestInChunks.relay(0, limits: limits), input)
            #expect(outcome.end == .complete, "\(size)")
            #expect(ChunkedText.decode(outcome.sent) == ChunkedText.Body(data: data, trailers: trailers))
        }
    }
}
