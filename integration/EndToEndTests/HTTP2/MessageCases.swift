import Lab

extension HTTP2Case {
    /// RFC 9113 section 8, and RFC 8441: what makes a request.
    static let messages: [HTTP2Case] = [
        HTTP2Case("8.1-1", "trailers after a body", .answered(200)) { peer in
            try peer.open(
                HTTP2Request("POST", freshTarget(), authority: "a.example", body: "x", trailers: ["x-trailer": "y"]))
        },
        HTTP2Case("8.1-2", "a second HEADERS that does not end the stream", .malformedBody) { peer in
            let stream = try peer.open(pseudo(method: "POST"), ends: false)
            try peer.send(
                .data([1], on: stream),
                .headers(HPACKEncoder.encode([HTTPField("x-trailer", "y")]), on: stream, ends: false))
            return stream
        },
        HTTP2Case("8.1-3", "trailers without a body", .answered(200)) { peer in
            try peer.open(
                HTTP2Request("POST", freshTarget(), authority: "a.example", trailers: ["x-trailer": "y"]))
        },
        HTTP2Case("8.1.1-1", "content-length greater than DATA", .malformedBody) { peer in
            try peer.open(
                HTTP2Request("POST", freshTarget(), authority: "a.example", ["content-length": "5"], body: "1234"))
        },
        HTTP2Case("8.1.1-2", "content-length less than DATA", .malformedBody) { peer in
            try peer.open(
                HTTP2Request("POST", freshTarget(), authority: "a.example", ["content-length": "3"], body: "1234"))
        },
        HTTP2Case("8.1.1-3", "content-length less than several DATA", .init(stream: [.protocolError], statuses: [400]))
        { peer in
            let stream = try peer.open(get(["content-length": "1"]), ends: false)
            try peer.send(.data([1], on: stream), .data([1], on: stream, ends: true))
            return stream
        },
        HTTP2Case(
            "8.1.1-4", "content-length of 5, and no DATA", .malformedBody, list: { get(["content-length": "5"]) }),
        HTTP2Case("8.1.1-5", "content-length of 5, and trailers at once", .malformedBody) { peer in
            let stream = try peer.open(get(["content-length": "5"]), ends: false)
            try peer.sendTrailers([HTTPField("x-trailer", "y")], on: stream)
            return stream
        },
        HTTP2Case("8.1.1-6", "content-length that is right", .answered(200)) { peer in
            try peer.open(
                HTTP2Request("POST", freshTarget(), authority: "a.example", ["content-length": "4"], body: "1234"))
        },
        HTTP2Case("8.2.1-1", "a capital in a name", .malformed, list: { get(["X-Test": "ok"]) }),
        HTTP2Case("8.2.1-2", "an empty name", .malformed, list: { get(["": "ok"]) }),
        HTTP2Case("8.2.1-3", "a space in a name", .malformed, list: { get(["x test": "ok"]) }),
        HTTP2Case("8.2.1-4", "a colon in a name", .malformed, list: { get(["x:test": "ok"]) }),
        HTTP2Case("8.2.1-5", "a control character in a name", .malformed, list: { get(["x\u{1}test": "ok"]) }),
        HTTP2Case("8.2.1-6", "DEL in a name", .malformed, list: { get(["x\u{7f}test": "ok"]) }),
        HTTP2Case("8.2.1-7", "a byte above 127 in a name", .malformed, list: { get(["x-té": "ok"]) }),
        HTTP2Case("8.2.1-8", "NUL in a value", .malformed, list: { get(["x-test": "a\0b"]) }),
        HTTP2Case("8.2.1-9", "CR in a value", .malformed, list: { get(["x-test": "a\rb"]) }),
        HTTP2Case("8.2.1-10", "LF in a value", .malformed, list: { get(["x-test": "a\nb"]) }),
        HTTP2Case("8.2.1-11", "a value that begins with a space", .malformed, list: { get(["x-test": " a"]) }),
        HTTP2Case("8.2.1-12", "a value that ends with a space", .malformed, list: { get(["x-test": "a "]) }),
        HTTP2Case("8.2.1-13", "a value that begins with a tab", .malformed, list: { get(["x-test": "\ta"]) }),
        HTTP2Case("8.2.1-14", "an empty value", .answered(200), list: { get(["x-test": ""]) }),
        HTTP2Case("8.2.1-15", "a tab inside a value", .answered(200), list: { get(["x-test": "a\tb"]) }),
        HTTP2Case("8.2.2-1", "connection", .malformed, list: { get(["connection": "keep-alive"]) }),
        HTTP2Case("8.2.2-2", "proxy-connection", .malformed, list: { get(["proxy-connection": "keep-alive"]) }),
        HTTP2Case("8.2.2-3", "keep-alive", .malformed, list: { get(["keep-alive": "timeout=5"]) }),
        HTTP2Case("8.2.2-4", "transfer-encoding", .malformed, list: { get(["transfer-encoding": "chunked"]) }),
        HTTP2Case("8.2.2-5", "upgrade", .malformed, list: { get(["upgrade": "h2c"]) }),
        HTTP2Case("8.2.2-6", "te: gzip", .malformed, list: { get(["te": "trailers, gzip"]) }),
        HTTP2Case("8.2.2-7", "te: trailers", .answered(200), list: { get(["te": "trailers"]) }),
        HTTP2Case("8.3-1", "a pseudo-field after others", .malformed) { peer in
            let list = pseudo()
            return try peer.open(list.dropLast() + [.literal("x-test", "ok")] + list.suffix(1))
        },
        HTTP2Case("8.3-2", "an unknown pseudo-field", .malformed, list: { pseudo() + [.literal(":test", "ok")] }),
        HTTP2Case("8.3-3", "a pseudo-field of answers", .malformed, list: { pseudo() + [.literal(":status", "200")] }),
        HTTP2Case("8.3-4", "a pseudo-field in trailers", .malformedBody) { peer in
            let stream = try peer.open(pseudo(method: "POST"), ends: false)
            try peer.send(.data([1], on: stream))
            try peer.sendTrailers([HTTPField(":path", "/x")], on: stream)
            return stream
        },
        HTTP2Case("8.3.1-1", "an empty :path", .malformed, list: { pseudo(path: "") }),
        HTTP2Case("8.3.1-2", "no :method", .malformed, list: { Array(pseudo().dropFirst()) }),
        HTTP2Case("8.3.1-3", "no :scheme", .malformed, list: { pseudo().removing(1) }),
        HTTP2Case("8.3.1-4", "no :path", .malformed, list: { pseudo().removing(3) }),
        HTTP2Case("8.3.1-5", "neither :authority nor host", .malformed, list: { pseudo().removing(2) }),
        HTTP2Case(
            "8.3.1-6", "host instead of :authority", .answered(200),
            list: { pseudo().removing(2) + [.literal("host", "a.example")] }),
        HTTP2Case("8.3.1-7", "two :method", .malformed, list: { pseudo() + [.literal(":method", "GET")] }),
        HTTP2Case("8.3.1-8", "two :scheme", .malformed, list: { pseudo() + [.literal(":scheme", "http")] }),
        HTTP2Case("8.3.1-9", "two :path", .malformed, list: { pseudo() + [.literal(":path", "/")] }),
        HTTP2Case("8.3.1-10", "two :authority", .malformed, list: { pseudo() + [.literal(":authority", "a.example")] }),
        HTTP2Case("8.3.1-11", ":path without a slash", .malformed, list: { pseudo(path: "case") }),
        HTTP2Case("8.3.1-12", ":path * and GET", .malformed, list: { pseudo(path: "*") }),
        HTTP2Case("8.3.1-13", "user information in :authority", .malformed, list: { pseudo(authority: "u@a.example") }),
        HTTP2Case(
            "8.5-1", "CONNECT", .init(stream: [.protocolError, .refusedStream, .cancel], statuses: [400, 405, 501])
        ) {
            let stream = $0.nextStream(method: "CONNECT")
            let list: [HPACKField] = [.literal(":method", "CONNECT"), .literal(":authority", "a.example:80")]
            try $0.send(.headers(HPACKEncoder.encode(list), on: stream, ends: false))
            return stream
        },
        HTTP2Case("8.5-2", "CONNECT with :scheme and :path", .malformed, list: { pseudo(method: "CONNECT") }),
        HTTP2Case("W3-1", "SETTINGS_ENABLE_CONNECT_PROTOCOL is said", .ignored) { peer in
            guard try peer.peerSettings()[.enableConnectProtocol] == 1 else { throw LabError("it is not") }
            return nil
        },
        HTTP2Case("W4-1", ":protocol and GET", .malformed, list: { pseudo() + [.literal(":protocol", "websocket")] }),
        HTTP2Case("W4-2", "extended CONNECT without :path", .malformed) { peer in
            try peer.open(
                pseudo(method: "CONNECT").removing(3) + [.literal(":protocol", "websocket")], ends: false)
        },
        HTTP2Case(
            "W4-3", "extended CONNECT for an unknown protocol",
            .init(stream: [.protocolError, .refusedStream, .cancel], statuses: [400, 404, 405, 501], isHidden: true)
        ) { peer in
            try peer.open(pseudo(method: "CONNECT") + [.literal(":protocol", "teleport")], ends: false)
        },
    ]
}

extension [HPACKField] {
    func removing(_ index: Int) -> [HPACKField] { Array(self[..<index] + self[(index + 1)...]) }
}
