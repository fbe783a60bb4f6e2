import Bytes
import HTTP1
import HTTP2
import Testing

struct Flood: Sendable, CustomTestStringConvertible {
    let name: String
    let kind: HTTP2Flood
    /// No connection with a sensible client comes near this.
    let harmless: Int
    /// Before so many it is over.
    let most: Int
    /// The n-th of them.
    let frame: @Sendable (Int) -> [UInt8]

    var testDescription: String { self.name }
}

extension Flood {
    private static func stream(_ index: Int) -> Int32 { Int32(2 * index + 3) }

    /// Stream 1 is open in all of them.
    static let all: [Flood] = [
        .init(name: "rapid reset (CVE-2023-44487)", kind: .resets, harmless: 900, most: 1_100) {
            Wire.headers(stream($0), Wire.get()) + Wire.reset(stream($0))
        },
        .init(name: "resets of streams that are gone", kind: .resets, harmless: 900, most: 1_100) { _ in
            Wire.reset(1)
        },
        .init(
            name: "streams that have to be reset: overflow (CVE-2025-8671)", kind: .streamErrors, harmless: 90,
            most: 120
        ) {
            Wire.headers(stream($0), Wire.get()) + Wire.windowUpdate(stream($0), 0x7fff_ffff)
        },
        .init(name: "streams that have to be reset: malformed heads", kind: .streamErrors, harmless: 90, most: 120) {
            Wire.headers(stream($0), [(":method", "GET")])
        },
        .init(name: "streams that have to be reset: wrong length", kind: .streamErrors, harmless: 90, most: 120) {
            Wire.headers(stream($0), Wire.post() + [("content-length", "5")], ends: false)
                + Wire.data(stream($0), "x", ends: true)
        },
        .init(name: "settings (CVE-2019-9515)", kind: .settings, harmless: 15, most: 30) { _ in Wire.settings() },
        .init(name: "pings (CVE-2019-9512)", kind: .pings, harmless: 40, most: 60) { _ in
            Wire.frame(Wire.ping, stream: 0, Array(repeating: 0, count: 8))
        },
        .init(name: "empty DATA (CVE-2019-9518)", kind: .emptyFrames, harmless: 90, most: 120) { _ in Wire.data(1, "")
        },
        .init(name: "DATA that is all padding", kind: .emptyFrames, harmless: 90, most: 120) { _ in
            Wire.frame(Wire.data, flags: Wire.padded, stream: 1, [3, 0, 0, 0])
        },
        .init(name: "priorities (CVE-2019-9513)", kind: .priorities, harmless: 180, most: 300) {
            Wire.frame(Wire.priority, stream: stream($0), [0, 0, 0, 1, 1])
        },
        .init(name: "window updates", kind: .windowUpdates, harmless: 900, most: 1_200) { _ in Wire.windowUpdate(0, 1)
        },
        .init(name: "unknown frames", kind: .unknownFrames, harmless: 180, most: 300) { _ in
            Wire.frame(0xbb, stream: 0, [])
        },
    ]
}

@Suite("HTTP/2 floods: what there can be too much of ends the connection, and nothing else does")
struct FloodTests {
    @Test("each kind", arguments: Flood.all)
    func floods(_ flood: Flood) {
        let server = Peer.server()
        _ = server.feed(Wire.headers(1, Wire.post(), ends: false))
        // Resets of stream 1 tell of it once.
        for index in 0..<flood.harmless {
            _ = server.feed(flood.frame(index))
            _ = server.output()
            #expect(server.failure == nil, "\(index)")
        }
        var told: [Told] = []
        for index in flood.harmless..<flood.most where server.failure == nil { told += server.feed(flood.frame(index)) }
        #expect(told.contains(.failed(.flood(flood.kind))))
        #expect(server.failure == .flood(flood.kind))
        let last = server.frames().last
        #expect(last?.type == Wire.goAway)
        #expect(last?.code == HTTP2ErrorCode.enhanceYourCalm)
        #expect(!server.wantsRead)
        #expect(server.feed(Wire.headers(9_999, Wire.get())) == [])
    }

    @Test("slowly enough, the same is no flood", arguments: Flood.all)
    func slowly(_ flood: Flood) {
        let server = Peer.server()
        _ = server.feed(Wire.headers(1, Wire.post(), ends: false))
        for index in 0..<(2 * flood.most) {
            server.now += 1_000
            _ = server.feed(flood.frame(index))
            _ = server.output()
        }
        #expect(server.failure == nil)
    }

    @Test("what is of use makes up for what is not")
    func useful() {
        let server = Peer.server()
        for index in 0..<3_000 {
            let stream = Int32(2 * index + 1)
            let told = server.feed(
                Wire.headers(stream, Wire.get()) + Wire.windowUpdate(0, 1)
                    + Wire.frame(Wire.ping, stream: 0, Array(repeating: 0, count: 8)))
            #expect(told.count == 1)
            #expect(server.respond(stream, "HTTP/1.1 204 No Content\r\n\r\n", ends: true))
        }
        #expect(server.failure == nil)
        // Half of all streams may be cancelled, for ever.
        for index in 3_000..<12_000 {
            let stream = Int32(2 * index + 1)
            _ = server.feed(Wire.headers(stream, Wire.get()))
            if index % 2 == 0 {
                _ = server.feed(Wire.reset(stream))
            } else {
                #expect(server.respond(stream, "HTTP/1.1 204 No Content\r\n\r\n", ends: true))
            }
        }
        #expect(server.failure == nil)
    }

    @Test("replies that nobody reads")
    func unread() {
        var limits = HTTP2Limits()
        limits.pings = HTTP2Rate(burst: 1_000_000, perSecond: 0)
        let server = Peer.server(limits)
        var told: [Told] = []
        var count = 0
        while told.isEmpty, count < 2_000 {
            told += server.feed(Wire.frame(Wire.ping, stream: 0, Array(repeating: 0, count: 8)))
            count += 1
        }
        #expect(told == [.failed(.flood(.unreadReplies))])
        #expect(count > 500 && count < 510)
        #expect(server.frames().last?.code == HTTP2ErrorCode.enhanceYourCalm)
    }

    @Test("CONTINUATION without end (CVE-2024-28182)")
    func continuations() {
        for payload in [[], Array(Wire.block([("a", "b")]))] {
            let server = Peer.server()
            var told = server.feed(Wire.frame(Wire.headers, flags: 1, stream: 1, Wire.block(Wire.get())))
            var count = 0
            while told.isEmpty, count < 100 {
                told += server.feed(Wire.frame(Wire.continuation, stream: 1, payload))
                count += 1
            }
            #expect(told == [.failed(.flood(.continuations))])
            #expect(count == 9)
            #expect(server.frames().last?.code == HTTP2ErrorCode.enhanceYourCalm)
        }
    }

    @Test("a head block of more than its limit")
    func headBlock() {
        let server = Peer.server()
        let filler = Wire.block([("a", String(repeating: "b", count: 16_000))])
        var told = server.feed(Wire.frame(Wire.headers, flags: 1, stream: 1, Wire.block(Wire.get())))
        for _ in 0..<4 { told += server.feed(Wire.frame(Wire.continuation, stream: 1, filler)) }
        #expect(told == [])
        told += server.feed(Wire.frame(Wire.continuation, flags: 4, stream: 1, filler))
        #expect(told == [.failed(.flood(.continuations))])
    }

    @Test("a head that is too large is answered; the connection's compression survives it")
    func largeHead() {
        let server = Peer.server()
        let large =
            Wire.get() + [("a", String(repeating: "b", count: 15_000)), ("c", String(repeating: "d", count: 9_000))]
        let block = Wire.block(large)
        let told = server.feed(
            Wire.frame(Wire.headers, flags: 1, stream: 1, Array(block.prefix(16_000)))
                + Wire.frame(Wire.continuation, flags: 4, stream: 1, Array(block.dropFirst(16_000))))
        #expect(told == [.refused(1, .headTooLarge, ends: true)])
        #expect(server.respond(1, "HTTP/1.1 431 x\r\nContent-Length: 0\r\n\r\n", ends: true))
        #expect(server.feed(Wire.headers(3, Wire.get())).count == 1)
    }

    @Test("a path that is too large is answered")
    func largePath() {
        let server = Peer.server()
        let told = server.feed(Wire.headers(1, Wire.get("/" + String(repeating: "a", count: 15_000))))
        #expect(told == [.refused(1, .targetTooLong, ends: true)])
    }

    @Test("cookies that are too large together are answered")
    func largeCookies() {
        let server = Peer.server()
        let cookies = (0..<9).map { ("cookie", "\($0)=" + String(repeating: "a", count: 1_500)) }
        #expect(server.feed(Wire.headers(1, Wire.get() + cookies)).count == 1)
        let more = [("a", String(repeating: "b", count: 3_500))]
        let block = Wire.block(Wire.get() + more + cookies)
        #expect(
            server.feed(
                Wire.frame(Wire.headers, flags: 1, stream: 3, Array(block.prefix(10_000)))
                    + Wire.frame(Wire.continuation, flags: 4, stream: 3, Array(block.dropFirst(10_000))))
                == [.refused(3, .headTooLarge, ends: true)])
    }

    @Test("an HPACK bomb: a long entry of the table, again and again")
    func bomb() {
        let server = Peer.server()
        // Index 62 is what was put into the table last.
        let entry = [0x40] + Wire.string([0x61]) + Wire.string(Array(repeating: 0x62, count: 3_900))
        #expect(server.feed(Wire.frame(Wire.headers, flags: 5, stream: 1, Wire.block(Wire.get()) + entry)).count == 1)
        let bomb = Wire.block(Wire.get()) + Array(repeating: 0xbe, count: 16_000)
        let told = server.feed(Wire.frame(Wire.headers, flags: 5, stream: 3, bomb))
        #expect(told == [])
        #expect(server.frames().map(\.code) == [HTTP2ErrorCode.enhanceYourCalm])
        // A few are only too large.
        let few = Wire.block(Wire.get()) + Array(repeating: 0xbe, count: 10)
        #expect(
            server.feed(Wire.frame(Wire.headers, flags: 5, stream: 5, few)) == [.refused(5, .headTooLarge, ends: true)])
        #expect(server.feed(Wire.headers(7, Wire.get())).count == 1)
    }

    @Test("fields without names or values are counted too")
    func emptyFields() {
        let server = Peer.server()
        // x: and nothing, 3 bytes each.
        let fields = Array(repeating: ("x", ""), count: 5_000)
        let told = server.feed(
            Wire.frame(
                Wire.headers, flags: 5, stream: 1, Wire.block(Wire.get()) + Wire.block(Array(fields.prefix(1_000)))))
        #expect(told == [.refused(1, .headTooLarge, ends: true)])
    }

    @Test("buffers for heads go back where they came from")
    func buffers() {
        let server = Peer.server()
        for index in 0..<50 {
            let stream = Int32(2 * index + 1)
            _ = server.feed(Wire.headers(stream, Wire.get() + [("cookie", "a=1")]))
            _ = server.feed(Wire.reset(stream))
        }
        // A head that is half there keeps its own.
        _ = server.feed(Wire.frame(Wire.headers, flags: 1, stream: 1_001, Wire.block(Wire.get())))
        let during = server.heads.used
        #expect(during == 1)
        server.session.release(into: &server.heads)
        let after = server.heads.used
        #expect(after == 0)
    }
}
