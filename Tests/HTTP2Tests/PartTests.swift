import Bytes
import Testing

@testable import HTTP2

@Suite("parts of HTTP/2")
struct PartTests {
    @Test("eight bytes in lower case: letters change, nothing else does")
    func lowercase() {
        for byte in UInt8.min...UInt8.max {
            for place in 0..<8 {
                // Beside bytes that could carry into it.
                for other: UInt8 in [0x00, 0x40, 0x5a, 0x7f, 0xff] {
                    var bytes = [UInt8](repeating: other, count: 8)
                    bytes[place] = byte
                    let word = bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
                    let expected = bytes.map(\.lowercased).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
                    #expect(word.lowercasedText == expected)
                }
            }
        }
    }

    @Test(
        "the accept of a WebSocket's key, of keys that fill one block of SHA-1 and more",
        arguments: [
            (0, "Kfh9QIsMVZcl6xEPYxPHzW8SZ8w="),
            (1, "cai0HFWL7DEHZkyHxdyv1Pn3R6M="),
            (18, "qChxkF3JDYNASeew3saQqqTWi7o="),
            (19, "tWclcP21hrR+xgjYVswtQRW71GQ="),
            (20, "tSsjsIAvEVIQ+IC5K8+T/OkG8nU="),
            (24, "Osl8Plp/k+NDIMqB3yv/XvvAbcA="),
            (27, "qUNe7W8rvas6tQS5F4QBTf/JpvE="),
            (28, "x9bmfLYIxLMaaT5h0sFuRlAhhb8="),
            (64, "d3g+v0T8vq/Wjewzan1FGbXRhkk="),
        ])
    func accept(_ count: Int, _ expected: String) {
        var buffer = ByteBuffer(capacity: 64)
        let key = [UInt8](repeating: UInt8(ascii: "k"), count: count)
        WebSocketAccept(key: key.span)?.write(into: &buffer)
        #expect(buffer.copy == Array(expected.utf8))
    }

    @Test("a key that is too long has none")
    func longKey() {
        let key = [UInt8](repeating: 0x6b, count: 65)
        let isNone = WebSocketAccept(key: key.span) == nil
        #expect(isNone)
    }

    @Test("keys that are made up are 16 bytes, another one each time")
    func keys() {
        var random = SplitMix(seed: 1)
        var keys: Set<[UInt8]> = []
        for _ in 0..<100 {
            var buffer = ByteBuffer(capacity: 64)
            WebSocketKey.write(&random, into: &buffer)
            #expect(buffer.count == 24)
            #expect(buffer.copy.suffix(2) == Array("==".utf8))
            keys.insert(buffer.copy)
        }
        #expect(keys.count == 100)
    }

    @Test("frames are found wherever they are cut")
    func tracker() {
        let frames: [(length: Int, type: UInt8, stream: UInt8)] = [
            (0, 4, 0), (5, 0, 1), (300, 1, 3), (0, 4, 0), (1, 9, 255),
        ]
        let bytes = frames.flatMap { frame in
            [0, UInt8(frame.length >> 8), UInt8(frame.length & 0xff), frame.type, 7, 0x80, 0, 0, frame.stream]
                + [UInt8](repeating: 0xee, count: frame.length)
        }
        for size in 1...20 {
            var tracker = FrameTracker(preface: 3)
            var headers: [FrameTracker.Header] = []
            var ends = 0
            let all = [1, 2, 3] + bytes
            var position = 0
            while position < all.count {
                let rest = Array(all[position..<min(position + size, all.count)])
                let piece = tracker.next(rest.span)
                #expect(piece.count > 0 && piece.count <= rest.count)
                if piece.starts { headers.append(tracker.header) }
                if piece.ends { ends += 1 }
                position += piece.count
            }
            #expect(ends == frames.count + 1)
            #expect(
                headers
                    == frames.map {
                        FrameTracker.Header(length: $0.length, type: $0.type, flags: 7, stream: Int32($0.stream))
                    })
        }
    }

    @Test("a meter: a burst, then as much as time and use make up for")
    func meters() {
        var meters = FloodMeters()
        let rate = HTTP2Rate(burst: 10, perSecond: 2, perUse: 3)
        // Time before the first does not count.
        var now: UInt64 = 1_000_000
        func count(_ times: Int) -> Int {
            (0..<times).filter { _ in !meters.count(.pings, rate, now: now) }.count
        }
        #expect(count(20) == 10)
        now += 500
        #expect(count(20) == 1)
        now += 10_000
        #expect(count(20) == 10)
        now += 100_000
        #expect(count(20) == 10)
        for _ in 0..<20 { meters.countFrame() }
        #expect(count(20) == 10)
    }

    @Test("the last streams that ended are known by how they did")
    func finished() {
        var finished = FinishedStreams()
        #expect(finished.ending(of: 0) == nil)
        for stream in stride(from: Int32(1), to: 101, by: 2) {
            finished.insert(stream, stream % 4 == 1 ? .reset : .ended)
        }
        #expect(finished.ending(of: 99) == .ended)
        #expect(finished.ending(of: 97) == .reset)
        #expect(finished.ending(of: 69) == .reset)
        #expect(finished.ending(of: 67) == nil)
        #expect(finished.ending(of: 101) == nil)
    }
}
