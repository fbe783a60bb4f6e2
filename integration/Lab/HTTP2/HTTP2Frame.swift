/// A frame (RFC 9113 section 4.1), well-formed or not: nothing here is checked before it is sent.
package struct HTTP2Frame: Sendable, Hashable, CustomStringConvertible {
    package struct Kind: RawRepresentable, Sendable, Hashable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) { self.rawValue = rawValue }

        package static let data = Kind(rawValue: 0)
        package static let headers = Kind(rawValue: 1)
        package static let priority = Kind(rawValue: 2)
        package static let resetStream = Kind(rawValue: 3)
        package static let settings = Kind(rawValue: 4)
        package static let pushPromise = Kind(rawValue: 5)
        package static let ping = Kind(rawValue: 6)
        package static let goAway = Kind(rawValue: 7)
        package static let windowUpdate = Kind(rawValue: 8)
        package static let continuation = Kind(rawValue: 9)

        private static let names = [
            "DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY", "WINDOW_UPDATE",
            "CONTINUATION",
        ]

        package var name: String {
            self.rawValue < Self.names.count ? Self.names[Int(self.rawValue)] : "frame of type \(self.rawValue)"
        }
    }

    package struct Flags: OptionSet, Sendable, Hashable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) { self.rawValue = rawValue }

        package static let acknowledgment = Flags(rawValue: 0x1)
        package static let endStream = Flags(rawValue: 0x1)
        package static let endHeaders = Flags(rawValue: 0x4)
        package static let padded = Flags(rawValue: 0x8)
        package static let priority = Flags(rawValue: 0x20)
    }

    package static let headerLength = 9
    /// What a client says first (RFC 9113 section 3.4).
    package static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    package var kind: Kind
    package var flags: Flags
    /// 0 for the connection. The highest bit is reserved.
    package var stream: UInt32
    package var payload: [UInt8]
    /// What the header says, where that is not the length of the payload.
    package var statedLength: Int?

    package init(
        _ kind: Kind, flags: Flags = [], stream: UInt32 = 0, _ payload: [UInt8] = [], statedLength: Int? = nil
    ) {
        self.kind = kind
        self.flags = flags
        self.stream = stream
        self.payload = payload
        self.statedLength = statedLength
    }

    package var bytes: [UInt8] {
        let length = self.statedLength ?? self.payload.count
        return [UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255)]
            + [self.kind.rawValue, self.flags.rawValue] + self.stream.bigEndianBytes + self.payload
    }

    /// Takes one from the front of `bytes`; nil if it has not come whole.
    init?(from bytes: inout ArraySlice<UInt8>) {
        guard bytes.count >= Self.headerLength else { return nil }
        let head = Array(bytes.prefix(Self.headerLength))
        let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
        guard bytes.count >= Self.headerLength + length else { return nil }
        self.init(
            Kind(rawValue: head[3]), flags: Flags(rawValue: head[4]),
            stream: UInt32(bigEndianBytes: head[5...]) & 0x7fff_ffff,
            Array(bytes.dropFirst(Self.headerLength).prefix(length)))
        bytes = bytes.dropFirst(Self.headerLength + length)
    }

    package var description: String {
        let flags = self.flags.isEmpty ? "" : " flags \(String(self.flags.rawValue, radix: 16))"
        let code = self.errorCode.map { " \($0)" } ?? ""
        return "\(self.kind.name) of stream \(self.stream),\(flags) \(self.payload.count) bytes\(code)"
    }
}

// MARK: - Each kind

extension HTTP2Frame {
    package static func data(
        _ payload: [UInt8], on stream: UInt32, ends: Bool = false, padding: Int? = nil
    ) -> HTTP2Frame {
        let flags: Flags = ends ? .endStream : []
        guard let padding else { return HTTP2Frame(.data, flags: flags, stream: stream, payload) }
        let padded = [UInt8(padding)] + payload + [UInt8](repeating: 0, count: padding)
        return HTTP2Frame(.data, flags: flags.union(.padded), stream: stream, padded)
    }

    package static func headers(
        _ block: [UInt8], on stream: UInt32, ends: Bool = true, endsHeaders: Bool = true
    ) -> HTTP2Frame {
        var flags: Flags = ends ? .endStream : []
        if endsHeaders { flags.insert(.endHeaders) }
        return HTTP2Frame(.headers, flags: flags, stream: stream, block)
    }

    package static func continuation(_ block: [UInt8], on stream: UInt32, endsHeaders: Bool = true) -> HTTP2Frame {
        HTTP2Frame(.continuation, flags: endsHeaders ? .endHeaders : [], stream: stream, block)
    }

    /// A dependency on another stream (RFC 7540 section 5.3.1).
    package static func priority(on stream: UInt32, dependsOn other: UInt32 = 0, weight: UInt8 = 15) -> HTTP2Frame {
        HTTP2Frame(.priority, stream: stream, other.bigEndianBytes + [weight])
    }

    package static func resetStream(_ stream: UInt32, _ code: HTTP2ErrorCode) -> HTTP2Frame {
        HTTP2Frame(.resetStream, stream: stream, code.rawValue.bigEndianBytes)
    }

    package static func settings(_ settings: [HTTP2Setting]) -> HTTP2Frame {
        HTTP2Frame(.settings, settings.flatMap(\.bytes))
    }

    package static let settingsAcknowledgment = HTTP2Frame(.settings, flags: .acknowledgment)

    package static func ping(_ number: UInt64, acknowledges: Bool = false) -> HTTP2Frame {
        let payload = UInt32(truncatingIfNeeded: number >> 32).bigEndianBytes
        return HTTP2Frame(
            .ping, flags: acknowledges ? .acknowledgment : [],
            payload + UInt32(truncatingIfNeeded: number).bigEndianBytes)
    }

    package static func goAway(
        lastStream: UInt32, _ code: HTTP2ErrorCode = .noError, _ data: [UInt8] = []
    ) -> HTTP2Frame {
        HTTP2Frame(.goAway, lastStream.bigEndianBytes + code.rawValue.bigEndianBytes + data)
    }

    package static func windowUpdate(_ increment: UInt32, on stream: UInt32 = 0) -> HTTP2Frame {
        HTTP2Frame(.windowUpdate, stream: stream, increment.bigEndianBytes)
    }
}

// MARK: - What is in them

extension HTTP2Frame {
    /// The payload of DATA and HEADERS without padding and priority; throws if there is more padding than frame.
    func content() throws -> ArraySlice<UInt8> {
        var rest = self.payload[...]
        if self.flags.contains(.padded), self.kind == .data || self.kind == .headers {
            guard let padding = rest.popFirst(), Int(padding) <= rest.count else { throw LabError("padding: \(self)") }
            rest = rest.dropLast(Int(padding))
        }
        if self.flags.contains(.priority), self.kind == .headers {
            guard rest.count >= 5 else { throw LabError("priority: \(self)") }
            rest = rest.dropFirst(5)
        }
        return rest
    }

    /// Of SETTINGS.
    package var settings: [HTTP2Setting] {
        stride(from: 0, to: self.payload.count - 5, by: 6).map { start in
            let name = UInt16(bigEndianBytes: self.payload[start..<start + 2])
            return HTTP2Setting(.init(rawValue: name), UInt32(bigEndianBytes: self.payload[start + 2..<start + 6]))
        }
    }

    /// Of RST_STREAM and GOAWAY.
    package var errorCode: HTTP2ErrorCode? {
        switch self.kind {
        case .resetStream where self.payload.count >= 4:
            HTTP2ErrorCode(rawValue: .init(bigEndianBytes: self.payload.prefix(4)))
        case .goAway where self.payload.count >= 8:
            HTTP2ErrorCode(rawValue: .init(bigEndianBytes: self.payload[4..<8]))
        default: nil
        }
    }

    /// Of GOAWAY.
    package var lastStream: UInt32? {
        self.kind == .goAway && self.payload.count >= 8
            ? UInt32(bigEndianBytes: self.payload.prefix(4)) & 0x7fff_ffff : nil
    }

    /// Of WINDOW_UPDATE.
    package var increment: UInt32? {
        self.kind == .windowUpdate && self.payload.count == 4
            ? UInt32(bigEndianBytes: self.payload.prefix(4)) & 0x7fff_ffff : nil
    }
}

/// RFC 9113 section 7.
package struct HTTP2ErrorCode: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let noError = HTTP2ErrorCode(rawValue: 0)
    package static let protocolError = HTTP2ErrorCode(rawValue: 1)
    package static let internalError = HTTP2ErrorCode(rawValue: 2)
    package static let flowControlError = HTTP2ErrorCode(rawValue: 3)
    package static let settingsTimeout = HTTP2ErrorCode(rawValue: 4)
    package static let streamClosed = HTTP2ErrorCode(rawValue: 5)
    package static let frameSizeError = HTTP2ErrorCode(rawValue: 6)
    package static let refusedStream = HTTP2ErrorCode(rawValue: 7)
    package static let cancel = HTTP2ErrorCode(rawValue: 8)
    package static let compressionError = HTTP2ErrorCode(rawValue: 9)
    package static let connectError = HTTP2ErrorCode(rawValue: 10)
    package static let enhanceYourCalm = HTTP2ErrorCode(rawValue: 11)
    package static let inadequateSecurity = HTTP2ErrorCode(rawValue: 12)
    package static let http11Required = HTTP2ErrorCode(rawValue: 13)

    private static let names = [
        "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
        "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
    ]

    package var description: String {
        Int(self.rawValue) < Self.names.count ? Self.names[Int(self.rawValue)] : "error \(self.rawValue)"
    }
}

/// RFC 9113 section 6.5.1.
package struct HTTP2Setting: Sendable, Hashable {
    package struct Name: RawRepresentable, Sendable, Hashable {
        package let rawValue: UInt16

        package init(rawValue: UInt16) { self.rawValue = rawValue }

        package static let headerTableSize = Name(rawValue: 1)
        package static let enablePush = Name(rawValue: 2)
        package static let maxConcurrentStreams = Name(rawValue: 3)
        package static let initialWindowSize = Name(rawValue: 4)
        package static let maxFrameSize = Name(rawValue: 5)
        package static let maxHeaderListSize = Name(rawValue: 6)
        /// RFC 8441 section 3.
        package static let enableConnectProtocol = Name(rawValue: 8)
    }

    package let name: Name
    package let value: UInt32

    package init(_ name: Name, _ value: UInt32) {
        self.name = name
        self.value = value
    }

    var bytes: [UInt8] {
        [UInt8(self.name.rawValue >> 8), UInt8(self.name.rawValue & 255)] + self.value.bigEndianBytes
    }
}

extension [HTTP2Setting] {
    /// The last one of that name counts.
    package subscript(name: HTTP2Setting.Name) -> UInt32? { self.last { $0.name == name }?.value }
}
