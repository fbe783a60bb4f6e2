import Bytes
import HTTP1
import HTTP2
import Testing

@Suite("HTTP/2 frames and streams: RFC 9113 sections 4 to 6, RFC 7541")
struct FrameRuleTests {
    @Test("frames", arguments: FrameRow.framing) func framing(_ row: FrameRow) { self.check(row) }
    @Test("streams", arguments: FrameRow.streams) func streams(_ row: FrameRow) { self.check(row) }
    @Test("each type", arguments: FrameRow.definitions) func definitions(_ row: FrameRow) { self.check(row) }
    @Test("compression", arguments: FrameRow.compression) func compression(_ row: FrameRow) { self.check(row) }

    private func check(_ row: FrameRow) {
        let server = Peer.server()
        _ = server.feed(Wire.headers(1, Wire.post(), ends: false))
        let told = server.feed(row.frames)
        let frames = server.frames().filter { frame in
            frame.flags & Wire.acknowledgement == 0 || frame.type != Wire.settings && frame.type != Wire.ping
        }
        switch row.outcome {
        case .connectionError(let code):
            #expect(told.last == .failed(.connectionError(code: code)))
            #expect(frames.last?.type == Wire.goAway)
            #expect(frames.last?.code == code)
            #expect(!server.wantsRead)
            #expect(!server.wantsWrite)
            #expect(server.feed(FrameRow.get3) == [])
            return
        case .streamError(let stream, let code):
            #expect(frames.last?.type == Wire.reset)
            #expect(frames.last?.stream == stream)
            #expect(frames.last?.code == code)
        case .nothing:
            #expect(told == [])
            #expect(frames == [])
        case .told(let expected):
            #expect(told == expected)
            #expect(frames == [])
        }
        #expect(server.failure == nil)
        #expect(server.wantsRead)
        #expect(server.feed(Wire.headers(101, Wire.get())).count == 1)
    }

    // MARK: - The beginning

    @Test("3.4: what a server says first")
    func serverPreface() {
        let frames = Peer(.server).frames()
        #expect(frames.map(\.type) == [Wire.settings, Wire.windowUpdate])
        let settings = frames[0].payload
        var values: [UInt8: UInt32] = [:]
        for start in stride(from: 0, to: settings.count, by: 6) {
            values[settings[start + 1]] = settings[(start + 2)..<(start + 6)].reduce(0) { $0 << 8 | UInt32($1) }
        }
        #expect(values == [3: 128, 4: 65_535, 5: 16_384, 6: 19_584, 8: 1, 9: 1])
        #expect(frames[1].number == 1_048_576 - 65_535)
    }

    @Test("3.4: what a client says first")
    func clientPreface() {
        let bytes = Peer(.client).output()
        #expect(Array(bytes.prefix(24)) == Wire.preface)
        let frames = Frame.all(Array(bytes.dropFirst(24)))
        #expect(frames?.map(\.type) == [Wire.settings, Wire.windowUpdate])
        // ENABLE_PUSH 0
        #expect(frames?.first?.payload.suffix(6) == [0, 2, 0, 0, 0, 0])
    }

    @Test(
        "3.4: no preface",
        arguments: ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSN\r\n\r\n", "\0\0\0"])
    func noPreface(_ text: String) {
        let server = Peer(.server)
        #expect(server.feed(Array(text.utf8)) == [.failed(.badPreface)])
        #expect(!server.wantsRead)
        #expect(server.failure == .badPreface)
    }

    @Test("3.4: a preface is known as soon as it can be")
    func begins() {
        func begins(_ bytes: [UInt8]) -> Bool? { HTTP2Preface.begins(bytes.span) }
        #expect(begins(Wire.preface) == true)
        #expect(begins(Wire.preface + [1]) == true)
        for count in 0..<24 { #expect(begins(Array(Wire.preface.prefix(count))) == nil) }
        #expect(begins(Array("PUT ".utf8)) == false)
    }

    @Test("3.4: SETTINGS have to be first")
    func settingsFirst() {
        let server = Peer(.server)
        #expect(server.feed(Wire.preface + Wire.headers(1, Wire.get())).last == .failed(.connectionError(code: 1)))
        let client = Peer(.client)
        #expect(client.feed(Wire.windowUpdate(0, 1)).last == .failed(.connectionError(code: 1)))
    }

    @Test("5.1.2: more streams than are allowed are refused, and before that is known, so that they can be sent again")
    func concurrency() {
        var limits = HTTP2Limits()
        limits.concurrentStreams = 2
        let early = Peer(.server, limits)
        _ = early.feed(Wire.preface + Wire.settings())
        _ = early.output()
        let told = early.feed([1, 3, 5].flatMap { Wire.headers($0, Wire.get()) })
        #expect(told.count == 2)
        #expect(early.frames().map(\.code) == [HTTP2ErrorCode.refusedStream])
        let late = Peer.server(limits)
        #expect(
            late.feed([1, 3, 5].flatMap { Wire.headers($0, Wire.get()) }).last == .failed(.connectionError(code: 1)))
    }

    @Test("6.5.3, 6.7: settings and pings are acknowledged")
    func acknowledgements() {
        let server = Peer.server()
        #expect(server.feed(Wire.settings()) == [.settings])
        #expect(server.feed(Wire.frame(Wire.ping, stream: 0, Array(1...8))) == [])
        let frames = server.frames()
        #expect(frames.contains(Frame(type: Wire.settings, flags: 1, stream: 0, payload: [])))
        #expect(frames.contains(Frame(type: Wire.ping, flags: 1, stream: 0, payload: Array(1...8))))
    }

    @Test("6.5.3: who has not acknowledged our settings can be told so")
    func settingsTimeout() {
        for role in [HTTP2Role.server, .client] {
            let greeting = (role == .server ? Wire.preface : []) + Wire.settings()
            let peer = Peer(role)
            _ = peer.feed(greeting)
            let isAtFirst = peer.session.isAcknowledged
            // Nor by the acknowledgement of something else.
            _ = peer.feed(Wire.frame(Wire.ping, flags: 1, stream: 0, Array(1...8)))
            let isThen = peer.session.isAcknowledged
            #expect(!isAtFirst && !isThen)
            _ = peer.output()
            peer.session.goAway(code: HTTP2ErrorCode.settingsTimeout)
            #expect(peer.frames().last?.code == HTTP2ErrorCode.settingsTimeout)
            let other = Peer(role)
            _ = other.output()
            _ = other.feed(greeting + Wire.settingsAcknowledgement)
            let (isAcknowledged, failure) = (other.session.isAcknowledged, other.session.failure)
            #expect(isAcknowledged && failure == nil)
        }
    }

    @Test("6.7: a ping is answered")
    func ping() {
        let pair = Pair()
        pair.server.session.ping(0x0123_4567_89ab_cdef)
        #expect(pair.exchange().server == [.pong(0x0123_4567_89ab_cdef)])
    }

    @Test("6.6: a client takes no promises")
    func push() {
        let client = Peer(.client)
        _ = client.feed(Wire.settings())
        #expect(client.request("GET / HTTP/1.1\r\nHost: a\r\n\r\n", ends: true) == 1)
        let told = client.feed(Wire.frame(Wire.pushPromise, flags: 4, stream: 1, [0, 0, 0, 2] + FrameRow.block))
        #expect(told.last == .failed(.connectionError(code: 1)))
    }

    @Test("6.8: GOAWAY of a server: streams that it did not look at can be sent again, the others go on")
    func goAwayReceived() {
        let client = Peer(.client)
        _ = client.feed(Wire.settings())
        for token in 1...3 {
            #expect(client.request("GET / HTTP/1.1\r\nHost: a\r\n\r\n", ends: true, token: UInt64(token)) != nil)
        }
        client.tokens = []
        var told = client.feed(Wire.frame(Wire.goAway, stream: 0, [0, 0, 0, 1, 0, 0, 0, 0]))
        #expect(told.first == .goAway(1, 0))
        #expect(Set(client.tokens.dropFirst()) == [2, 3])
        #expect(told.dropFirst().allSatisfy { $0 == .closed(3, 7) || $0 == .closed(5, 7) })
        #expect(told.count == 3)
        let canRequest = client.session.canRequest
        #expect(!canRequest)
        #expect(client.request("GET / HTTP/1.1\r\nHost: a\r\n\r\n", ends: true) == nil)
        #expect(client.wantsRead)
        told = client.feed(Wire.headers(1, [(":status", "200")]))
        #expect(told == [.head(1, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", ends: true)])
        #expect(!client.wantsRead)
    }

    @Test("6.8: GOAWAY of this server: what came is served, what comes is not")
    func goAwaySent() {
        let server = Peer.server()
        _ = server.feed(Wire.headers(1, Wire.get()))
        server.session.announceGoAway()
        #expect(server.frames().map(\.number) == [0x7fff_ffff])
        #expect(server.feed(Wire.headers(3, Wire.get())).count == 1)
        server.session.goAway(code: HTTP2ErrorCode.noError)
        let frames = server.frames()
        #expect(frames.map(\.number) == [3])
        #expect(frames.first?.code == 0)
        #expect(server.feed(Wire.headers(5, Wire.get())) == [])
        #expect(server.wantsRead)
        #expect(server.failure == nil)
        #expect(server.respond(1, "HTTP/1.1 204 No Content\r\n\r\n", ends: true))
        #expect(server.respond(3, "HTTP/1.1 204 No Content\r\n\r\n", ends: true))
        #expect(!server.wantsRead)
    }

    @Test("5.4.2: a stream that this side breaks off is heard of no more")
    func reset() {
        let server = Peer.server()
        _ = server.feed(Wire.headers(1, Wire.post(), ends: false))
        server.session.reset(1, code: HTTP2ErrorCode.cancel)
        // On its way already.
        #expect(server.feed(Wire.data(1, "late", ends: true)) == [])
        #expect(server.frames().map(\.code) == [HTTP2ErrorCode.cancel])
        #expect(server.feed(Wire.data(1, "later")) == [])
        #expect(server.feed(Wire.headers(1, [("x", "y")])) == [])
        #expect(server.feed(Wire.reset(1)) == [])
        #expect(server.activeStreams == 0)
        #expect(!server.respond(1, "HTTP/1.1 200 OK\r\n\r\n", ends: true))
        #expect(server.failure == nil)
    }
}
