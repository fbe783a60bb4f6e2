import Lab

extension HTTP2Case {
    /// RFC 9113 section 6, up to SETTINGS.
    static let messageFrames: [HTTP2Case] = [
        HTTP2Case("6.1-1", "DATA of stream 0", .connectionError(.protocolError)) { peer in
            try peer.send(.data([1], on: 0))
            return nil
        },
        HTTP2Case("6.1-2", "DATA with padding", .answered(200)) { peer in
            let stream = try peer.open(get(["content-length": "3"]), ends: false)
            try peer.send(.data([1, 2, 3], on: stream, ends: true, padding: 255))
            return stream
        },
        HTTP2Case("6.1-3", "more padding than DATA", .connectionError(.protocolError)) { peer in
            let stream = try peer.open(pseudo(method: "POST"), ends: false)
            try peer.send(HTTP2Frame(.data, flags: [.padded, .endStream], stream: stream, [4, 1, 2, 3]))
            return nil
        },
        HTTP2Case("6.1-4", "DATA without content that ends a stream", .answered(200)) { peer in
            let stream = try peer.open(pseudo(method: "POST"), ends: false)
            try peer.send(.data([], on: stream, ends: true))
            return stream
        },
        HTTP2Case("6.2-1", "HEADERS of stream 0", .connectionError(.protocolError)) { peer in
            try peer.send(.headers(HPACKEncoder.encode(pseudo()), on: 0))
            return nil
        },
        HTTP2Case("6.2-2", "HEADERS with padding and priority", .answered(200)) { peer in
            let stream = peer.nextStream()
            let payload = [20, 0, 0, 0, 0, 15] + HPACKEncoder.encode(pseudo()) + [UInt8](repeating: 0, count: 20)
            try peer.send(
                HTTP2Frame(
                    .headers, flags: [.endStream, .endHeaders, .priority, .padded], stream: stream, payload))
            return stream
        },
        HTTP2Case("6.2-3", "more padding than HEADERS", .connectionError(.protocolError)) { peer in
            let payload = [200] + HPACKEncoder.encode([HPACKField.indexed(2)])
            try peer.send(
                HTTP2Frame(.headers, flags: [.endStream, .endHeaders, .padded], stream: peer.nextStream(), payload))
            return nil
        },
        HTTP2Case("6.3-1", "PRIORITY of stream 0", .connectionError(.protocolError)) { peer in
            try peer.send(.priority(on: 0, dependsOn: 1))
            return nil
        },
        HTTP2Case("6.3-2", "PRIORITY of 4 bytes", .someError(.frameSizeError)) { peer in
            let stream = try peer.openSlow()
            try peer.send(HTTP2Frame(.priority, stream: stream, [0, 0, 0, 0]))
            return stream
        },
        HTTP2Case("6.4-1", "RST_STREAM of stream 0", .connectionError(.protocolError)) { peer in
            try peer.send(.resetStream(0, .cancel))
            return nil
        },
        HTTP2Case("6.4-2", "RST_STREAM of 3 bytes", .connectionError(.frameSizeError)) { peer in
            let stream = try peer.openSlow()
            try peer.send(HTTP2Frame(.resetStream, stream: stream, [0, 0, 8]))
            return nil
        },
        HTTP2Case("6.6-1", "PUSH_PROMISE from a client", .connectionError(.protocolError)) { peer in
            let stream = try peer.openSlow()
            let promise = [0, 0, 0, 2] + HPACKEncoder.encode(pseudo())
            try peer.send(HTTP2Frame(.pushPromise, flags: .endHeaders, stream: stream, promise))
            return nil
        },
        HTTP2Case("6.10-1", "a header block in six pieces", .answered(200)) { peer in
            let stream = peer.nextStream()
            let block = HPACKEncoder.encode(pseudo())
            try peer.send(.headers([block[0]], on: stream, endsHeaders: false))
            for byte in block[1...3] { try peer.send(.continuation([byte], on: stream, endsHeaders: false)) }
            try peer.send(
                .continuation([], on: stream, endsHeaders: false), .continuation(Array(block[4...]), on: stream))
            return stream
        },
        HTTP2Case("6.10-2", "CONTINUATION after the end of a header block", .connectionError(.protocolError)) { peer in
            let stream = try peer.openSlow()
            try peer.send(.continuation(HPACKEncoder.encode([HPACKField.indexed(2)]), on: stream))
            return nil
        },
        HTTP2Case("6.10-3", "CONTINUATION of stream 0", .connectionError(.protocolError)) { peer in
            try peer.send(
                .headers(HPACKEncoder.encode(pseudo()), on: peer.nextStream(), endsHeaders: false),
                .continuation([], on: 0))
            return nil
        },
        HTTP2Case("6.10-4", "CONTINUATION of another stream", .connectionError(.protocolError)) { peer in
            try peer.send(
                .headers(HPACKEncoder.encode(pseudo()), on: peer.nextStream(), endsHeaders: false),
                .continuation([], on: 3))
            return nil
        },
        HTTP2Case("6.10-5", "CONTINUATION after DATA", .connectionError(.protocolError)) { peer in
            let stream = try peer.open(pseudo(method: "POST"), ends: false)
            try peer.send(.data([1], on: stream), .continuation([], on: stream))
            return nil
        },
        HTTP2Case("6.10-6", "DATA inside a header block", .connectionError(.protocolError)) { peer in
            let stream = peer.nextStream()
            try peer.send(
                .headers(HPACKEncoder.encode(pseudo()), on: stream, ends: false, endsHeaders: false),
                .data([1], on: stream))
            return nil
        },
    ]

    /// RFC 9113 section 6, frames of the connection.
    static let connectionFrames: [HTTP2Case] = [
        HTTP2Case("6.5-1", "an acknowledgment of SETTINGS with content", .connectionError(.frameSizeError)) { peer in
            try peer.send(bytes: HTTP2Frame(.settings, flags: .acknowledgment, [0, 1, 0, 0, 16, 0]).bytes)
            return nil
        },
        HTTP2Case("6.5-2", "SETTINGS of a stream", .connectionError(.protocolError)) { peer in
            try peer.send(bytes: HTTP2Frame(.settings, stream: 1).bytes)
            return nil
        },
        HTTP2Case("6.5-3", "SETTINGS of 3 bytes", .connectionError(.frameSizeError)) { peer in
            try peer.send(bytes: HTTP2Frame(.settings, [0, 3, 0]).bytes)
            return nil
        },
        HTTP2Case("6.5.2-1", "SETTINGS_ENABLE_PUSH of 2", .connectionError(.protocolError)) { peer in
            try peer.send(.settings([.init(.enablePush, 2)]))
            return nil
        },
        HTTP2Case(
            "6.5.2-2", "SETTINGS_INITIAL_WINDOW_SIZE of 2147483648", .connectionError(.flowControlError)
        ) { peer in
            try peer.send(.settings([.init(.initialWindowSize, 1 << 31)]))
            return nil
        },
        HTTP2Case("6.5.2-3", "SETTINGS_MAX_FRAME_SIZE of 16383", .connectionError(.protocolError)) { peer in
            try peer.send(.settings([.init(.maxFrameSize, 16383)]))
            return nil
        },
        HTTP2Case("6.5.2-4", "SETTINGS_MAX_FRAME_SIZE of 16777216", .connectionError(.protocolError)) { peer in
            try peer.send(.settings([.init(.maxFrameSize, 1 << 24)]))
            return nil
        },
        HTTP2Case("6.5.3-1", "each SETTINGS is acknowledged, once", .ignored) { peer in
            try peer.send(.settings([]), .settings([]))
            guard peer.isAlive() else { throw LabError("PING is not answered") }
            var count = 0
            while try peer.frame(timeout: .milliseconds(50), where: { $0 == .settingsAcknowledgment }) != nil {
                count += 1
            }
            guard count == 3 else { throw LabError("\(count) acknowledgments of 3") }
            return nil
        },
        HTTP2Case("6.5.3-2", "of a setting that is said twice the last counts", .answered(200)) { peer in
            try peer.send(.settings([.init(.initialWindowSize, 0), .init(.initialWindowSize, 65535)]))
            return try peer.open(pseudo())
        },
        HTTP2Case("6.7-1", "PING is answered with its content", .ignored) { peer in
            try peer.send(.ping(0x0102_0304_0506_0708))
            let answer = HTTP2Frame.ping(0x0102_0304_0506_0708, acknowledges: true)
            guard try peer.frame(where: { $0.kind == .ping }) == answer else { throw LabError("another answer") }
            return nil
        },
        HTTP2Case("6.7-2", "an acknowledgment of PING that nobody asked for", .ignored) { peer in
            try peer.send(.ping(1, acknowledges: true))
            return nil
        },
        HTTP2Case("6.7-3", "PING of a stream", .connectionError(.protocolError)) { peer in
            try peer.send(HTTP2Frame(.ping, stream: 1, [0, 0, 0, 0, 0, 0, 0, 0]))
            return nil
        },
        HTTP2Case("6.7-4", "PING of 7 bytes", .connectionError(.frameSizeError)) { peer in
            try peer.send(HTTP2Frame(.ping, [0, 0, 0, 0, 0, 0, 0]))
            return nil
        },
        HTTP2Case("6.8-1", "GOAWAY of a stream", .connectionError(.protocolError)) { peer in
            try peer.send(HTTP2Frame(.goAway, stream: 1, [UInt8](repeating: 0, count: 8)))
            return nil
        },
        HTTP2Case("6.8-2", "GOAWAY of 7 bytes", .connectionError(.frameSizeError)) { peer in
            try peer.send(HTTP2Frame(.goAway, [UInt8](repeating: 0, count: 7)))
            return nil
        },
        HTTP2Case("6.9-1", "WINDOW_UPDATE of the connection by 0", .connectionError(.protocolError)) { peer in
            try peer.send(.windowUpdate(0))
            return nil
        },
        HTTP2Case("6.9-2", "WINDOW_UPDATE of a stream by 0", .someError(.protocolError)) { peer in
            let stream = try peer.openSlow()
            try peer.send(.windowUpdate(0, on: stream))
            return stream
        },
        HTTP2Case("6.9-3", "WINDOW_UPDATE of 3 bytes", .connectionError(.frameSizeError)) { peer in
            try peer.send(HTTP2Frame(.windowUpdate, [0, 0, 1]))
            return nil
        },
        HTTP2Case("6.9.1-1", "an answer keeps to the window of its stream", .ignored, opensWindows: false) { peer in
            try peer.send(.settings([.init(.initialWindowSize, 10)]))
            guard peer.isAlive() else { throw LabError("no answer to PING") }
            let stream = try peer.open(pseudo())
            guard peer.received(on: stream, within: .milliseconds(200)) == 10 else { throw LabError("not 10 bytes") }
            try peer.send(.windowUpdate(1, on: stream))
            guard peer.received(on: stream, within: .milliseconds(200)) == 11 else { throw LabError("not 11 bytes") }
            try peer.send(.windowUpdate(1 << 20, on: stream))
            _ = try peer.response(on: stream)
            try peer.send(.settings([.init(.initialWindowSize, 65535)]))
            return nil
        },
        HTTP2Case("6.9.1-2", "a window of more than 2147483647, of the connection", .connectionError(.flowControlError))
        {
            try $0.send(.windowUpdate((1 << 31) - 1), .windowUpdate((1 << 31) - 1))
            return nil
        },
        HTTP2Case("6.9.1-3", "a window of more than 2147483647, of a stream", .someError(.flowControlError)) { peer in
            let stream = try peer.openSlow()
            try peer.send(.windowUpdate((1 << 31) - 1, on: stream))
            return stream
        },
        HTTP2Case(
            "6.9.2-1", "a change of SETTINGS_INITIAL_WINDOW_SIZE counts for open streams", .answered(200),
            opensWindows: false
        ) { peer in
            try peer.send(.settings([.init(.initialWindowSize, 0)]))
            let stream = try peer.open(pseudo())
            guard try peer.head(on: stream).status == 200 else { throw LabError("not 200") }
            guard peer.received(on: stream, within: .milliseconds(200)) == 0 else { throw LabError("no window") }
            try peer.send(.settings([.init(.initialWindowSize, 65535)]))
            return stream
        },
        HTTP2Case("6.9.2-2", "a window that has become negative", .answered(200), opensWindows: false) { peer in
            try peer.send(.settings([.init(.initialWindowSize, 30)]))
            let stream = try peer.open(pseudo())
            guard peer.received(on: stream, within: .milliseconds(200)) == 30 else { throw LabError("not 30 bytes") }
            try peer.send(.settings([.init(.initialWindowSize, 10)]))
            guard peer.isAlive() else { throw LabError("no answer to PING") }
            try peer.send(.windowUpdate(20, on: stream))
            guard peer.received(on: stream, within: .milliseconds(200)) == 30 else { throw LabError("beyond it") }
            try peer.send(.settings([.init(.initialWindowSize, 65535)]))
            return stream
        },
        HTTP2Case(
            "6.9.2-3", "a SETTINGS_INITIAL_WINDOW_SIZE by which a window is too large", .someError(.flowControlError)
        ) { peer in
            let stream = try peer.openSlow()
            try peer.send(.windowUpdate(1 << 30, on: stream), .settings([.init(.initialWindowSize, (1 << 31) - 1)]))
            return stream
        },
        HTTP2Case("6.9-4", "DATA beyond the window", .someError(.flowControlError)) { peer in
            let stream = try peer.open(pseudo(method: "POST", path: unreadPath), ends: false)
            let piece = HTTP2Frame.data([UInt8](repeating: 120, count: 16384), on: stream)
            try peer.send([HTTP2Frame](repeating: piece, count: 600))
            return stream
        },
    ]
}
