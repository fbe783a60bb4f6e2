import Lab

extension HTTP2Case {
    /// RFC 9113 sections 3 and 4: how a connection starts, and what a frame is.
    static let startingAndFraming: [HTTP2Case] = [
        HTTP2Case("3.4-1", "the server's first frame is SETTINGS, and it acknowledges ours", .ignored) { peer in
            let first = try peer.frame()
            guard first?.kind == .settings, first?.flags == [] else { throw LabError("\(first as Any)") }
            let isAcknowledged = try peer.frame { $0 == .settingsAcknowledgment } != nil
            if !isAcknowledged { throw LabError("SETTINGS are not acknowledged") }
            return nil
        },
        HTTP2Case("3.4-2", "a preface that is none", .closed, greets: false) { peer in
            try peer.send(bytes: Array("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n".utf8) + HTTP2Frame.settings([]).bytes)
            return nil
        },
        HTTP2Case("3.4-3", "another frame than SETTINGS after the preface", .closed, greets: false) { peer in
            try peer.send(bytes: HTTP2Frame.preface + HTTP2Frame.ping(1).bytes)
            return nil
        },
        HTTP2Case("3.4-4", "preface, SETTINGS and request byte by byte", .answered(200), greets: false) { peer in
            let stream = peer.nextStream()
            try peer.greet(then: .headers(HPACKEncoder.encode(pseudo()), on: stream), pieces: 1)
            return stream
        },
        HTTP2Case("3.4-5", "preface, SETTINGS and request at once", .answered(200), greets: false) { peer in
            let stream = peer.nextStream()
            try peer.greet(then: .headers(HPACKEncoder.encode(pseudo()), on: stream))
            return stream
        },

        HTTP2Case("4.1-1", "a frame of an unknown type", .ignored) { peer in
            try peer.send(HTTP2Frame(.init(rawValue: 0x16), flags: .init(rawValue: 0xff), [1, 2, 3]))
            return nil
        },
        HTTP2Case("4.1-2", "flags that are not defined", .ignored) { peer in
            try peer.send(HTTP2Frame(.ping, flags: .init(rawValue: 0xfe), [0, 0, 0, 0, 0, 0, 0, 9]))
            guard try peer.frame(where: { $0.kind == .ping }) != nil else { throw LabError("no answer to PING") }
            return nil
        },
        HTTP2Case("4.1-3", "the reserved bit of a stream's number", .ignored) { peer in
            try peer.send(HTTP2Frame(.ping, stream: 1 << 31, [0, 0, 0, 0, 0, 0, 0, 9]))
            guard try peer.frame(where: { $0.kind == .ping }) != nil else { throw LabError("no answer to PING") }
            return nil
        },
        HTTP2Case("4.1-4", "ALTSVC, ORIGIN and PRIORITY_UPDATE", .ignored) { peer in
            try peer.send(
                HTTP2Frame(.init(rawValue: 0xa), Array("\0\0h2=\":1\"".utf8)),
                HTTP2Frame(.init(rawValue: 0xc), [0, 1, 120]),
                HTTP2Frame(.init(rawValue: 0x10), [0, 0, 0, 1] + Array("u=1".utf8)))
            return nil
        },
        HTTP2Case("4.2-1", "DATA of 16384 bytes", .answered(200)) { peer in
            let stream = try peer.open(pseudo(method: "POST"), ends: false)
            try peer.send(.data([UInt8](repeating: 120, count: 16384), on: stream, ends: true))
            return stream
        },
        HTTP2Case("4.2-2", "DATA of 16385 bytes", .someError(.frameSizeError)) { peer in
            let stream = try peer.open(pseudo(method: "POST"), ends: false)
            try peer.send(.data([UInt8](repeating: 120, count: 16385), on: stream, ends: true))
            return stream
        },
        HTTP2Case("4.2-3", "HEADERS of 16385 bytes", .connectionError(.frameSizeError)) { peer in
            let stream = peer.nextStream()
            try peer.send(.headers([UInt8](repeating: 0x82, count: 16385), on: stream))
            return nil
        },
        HTTP2Case("4.2-4", "SETTINGS longer than a frame may be", .connectionError(.frameSizeError)) { peer in
            try peer.send(.settings((0..<2731).map { .init(.init(rawValue: 0xf000), $0) }))
            return nil
        },
        HTTP2Case("4.3-1", "a header block that cannot be decoded", .connectionError(.compressionError)) { peer in
            try peer.send(.headers([0x82, 0x84, 0x86, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], on: peer.nextStream()))
            return nil
        },
        HTTP2Case("4.3-2", "PRIORITY inside a header block", .connectionError(.protocolError)) { peer in
            let stream = peer.nextStream()
            try peer.send(
                .headers(HPACKEncoder.encode(pseudo()), on: stream, endsHeaders: false), .priority(on: stream),
                .continuation([], on: stream))
            return nil
        },
        HTTP2Case("4.3-3", "HEADERS of another stream inside one", .connectionError(.protocolError)) { peer in
            try peer.send(
                .headers(HPACKEncoder.encode(pseudo()), on: peer.nextStream(), endsHeaders: false),
                .headers(HPACKEncoder.encode(pseudo()), on: peer.nextStream()))
            return nil
        },
        HTTP2Case("4.3-4", "a frame of an unknown type inside one", .connectionError(.protocolError)) { peer in
            let stream = peer.nextStream()
            try peer.send(
                .headers(HPACKEncoder.encode(pseudo()), on: stream, endsHeaders: false),
                HTTP2Frame(.init(rawValue: 0x16), stream: stream), .continuation([], on: stream))
            return nil
        },
        HTTP2Case("4.3-5", "what a refused request put into the table is still in it", .answered(200)) { peer in
            _ = try peer.open(get(["Capital": "x"]) + [.indexing("x-kept", "kept")])
            return try peer.open(pseudo() + [.indexed(62)])
        },
    ]

    /// RFC 9113 section 5: streams.
    static let streams: [HTTP2Case] = [
        HTTP2Case("5.1-1", "idle: DATA", .connectionError(.protocolError)) { peer in
            try peer.send(.data([1], on: 1, ends: true))
            return nil
        },
        HTTP2Case("5.1-2", "idle: RST_STREAM", .connectionError(.protocolError)) { peer in
            try peer.send(.resetStream(1, .cancel))
            return nil
        },
        HTTP2Case("5.1-3", "idle: WINDOW_UPDATE", .connectionError(.protocolError)) { peer in
            try peer.send(.windowUpdate(100, on: 1))
            return nil
        },
        HTTP2Case("5.1-4", "idle: CONTINUATION", .connectionError(.protocolError)) { peer in
            try peer.send(.continuation(HPACKEncoder.encode(pseudo()), on: 1))
            return nil
        },
        HTTP2Case("5.1-5", "idle: PRIORITY", .ignored) { peer in
            try peer.send(.priority(on: 9))
            return nil
        },
        HTTP2Case("5.1-6", "half-closed: DATA", .someError(.streamClosed)) { peer in
            let stream = try peer.openSlow()
            try peer.send(.data([1], on: stream, ends: true))
            return stream
        },
        HTTP2Case("5.1-7", "half-closed: HEADERS", .someError(.streamClosed)) { peer in
            let stream = try peer.openSlow()
            try peer.send(.headers(HPACKEncoder.encode(pseudo()), on: stream))
            return stream
        },
        HTTP2Case("5.1-8", "half-closed: CONTINUATION", .connectionError(.protocolError, .streamClosed)) { peer in
            let stream = try peer.openSlow()
            try peer.send(.continuation(HPACKEncoder.encode(pseudo()), on: stream))
            return nil
        },
        HTTP2Case("5.1-9", "half-closed: WINDOW_UPDATE and PRIORITY", .answered(200)) { peer in
            let stream = try peer.openSlow()
            try peer.send(.windowUpdate(100, on: stream), .priority(on: stream))
            return stream
        },
        HTTP2Case("5.1-10", "half-closed: RST_STREAM", .ignored) { peer in
            try peer.send(.resetStream(try peer.openSlow(), .cancel))
            return nil
        },
        HTTP2Case("5.1-11", "closed by RST_STREAM: DATA", .atMost(.streamClosed)) { peer in
            let stream = try peer.open(pseudo(method: "POST", path: slowPath), ends: false)
            try peer.send(.resetStream(stream, .cancel), .data([1], on: stream, ends: true))
            return nil
        },
        HTTP2Case("5.1-12", "closed by RST_STREAM: HEADERS", .atMost(.streamClosed, .protocolError)) { peer in
            let stream = try peer.openSlow()
            try peer.send(.resetStream(stream, .cancel), .headers(HPACKEncoder.encode(pseudo()), on: stream))
            return nil
        },
        HTTP2Case("5.1-13", "closed: DATA", .atMost(.streamClosed, .protocolError)) { peer in
            try peer.exchange(HTTP2Request("GET", freshTarget(), authority: "a.example"))
            try peer.send(.data([1], on: 1, ends: true))
            return nil
        },
        HTTP2Case("5.1-14", "closed: HEADERS", .atMost(.streamClosed, .protocolError)) { peer in
            try peer.exchange(HTTP2Request("GET", freshTarget(), authority: "a.example"))
            try peer.send(.headers(HPACKEncoder.encode(pseudo()), on: 1))
            return nil
        },
        HTTP2Case("5.1-15", "closed: WINDOW_UPDATE, RST_STREAM and PRIORITY", .ignored) { peer in
            try peer.exchange(HTTP2Request("GET", freshTarget(), authority: "a.example"))
            try peer.send(.windowUpdate(100, on: 1), .resetStream(1, .cancel), .priority(on: 1))
            return nil
        },
        HTTP2Case("5.1.1-1", "a client's stream with an even number", .connectionError(.protocolError)) { peer in
            try peer.send(.headers(HPACKEncoder.encode(pseudo()), on: 2))
            return nil
        },
        HTTP2Case(
            // What was reset a while ago and what was never opened look the same.
            "5.1.1-2", "a number below that of an earlier stream", .atMost(.protocolError, .streamClosed)
        ) { peer in
            // What comes after it has numbers above.
            for _ in 0..<3 { _ = peer.nextStream() }
            try peer.send(
                .headers(HPACKEncoder.encode(pseudo()), on: 5), .headers(HPACKEncoder.encode(pseudo()), on: 3))
            return nil
        },
        HTTP2Case("5.1.1-3", "numbers that are passed over", .answered(200)) { peer in
            for _ in 0..<40 { _ = peer.nextStream() }
            return try peer.open(pseudo())
        },
        HTTP2Case(
            "5.1.2-1", "more streams at once than SETTINGS_MAX_CONCURRENT_STREAMS",
            .someError(.refusedStream, .protocolError)
        ) { peer in
            // Only what was acknowledged binds.
            guard let limit = try peer.peerSettings()[.maxConcurrentStreams], limit <= 1000 else {
                throw LabError("no limit to concurrent streams: \(try peer.peerSettings())")
            }
            _ = peer.isAlive()
            for _ in 0..<limit { _ = try peer.openSlow() }
            return try peer.openSlow()
        },
        HTTP2Case("5.3-1", "HEADERS with a dependency", .answered(200)) { peer in
            let stream = peer.nextStream()
            let priority: [UInt8] = [0x80, 0, 0, 3, 200]
            try peer.send(
                HTTP2Frame(
                    .headers, flags: [.endStream, .endHeaders, .priority], stream: stream,
                    priority + HPACKEncoder.encode(pseudo())))
            return stream
        },
        HTTP2Case("5.3-2", "a stream that depends on itself", .atMost(.protocolError)) { peer in
            let stream = try peer.openSlow()
            try peer.send(.priority(on: stream, dependsOn: stream))
            return stream
        },
        HTTP2Case("5.5-1", "unknown settings", .answered(200), [.init(.init(rawValue: 0xfade), 7)]) { peer in
            try peer.open(pseudo())
        },
        HTTP2Case("5.5-2", "unknown error codes", .ignored) { peer in
            try peer.send(.resetStream(try peer.openSlow(), .init(rawValue: 0xfade)))
            return nil
        },
    ]
}
