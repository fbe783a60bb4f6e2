internal import Bytes

/// What fields of a head mean, as far as requests and responses have it in common.
enum HeadSemantics {
    // MARK: - Framing

    /// `1*DIGIT` up to 2^63 - 1. Leading zeros are accepted; the line is then marked, to be written anew.
    static func contentLength(_ bytes: Span<UInt8>, fields: inout FieldTable) throws(LineProblem) -> UInt64? {
        guard let index = fields.index(of: .contentLength) else { return nil }
        guard !fields.repeated.contains(.contentLength) else { throw .fault(.repeatedContentLength) }
        let value = fields[index].value
        guard !value.isEmpty else { throw .fault(.invalidContentLength) }
        var length: UInt64 = 0
        for position in value.indices {
            guard bytes[position].isDigit else { throw .fault(.invalidContentLength) }
            guard length <= UInt64(Int64.max) / 10 else { throw .fault(.invalidContentLength) }
            length = length &* 10 &+ UInt64(bytes[position] &- 0x30)
            guard length <= UInt64(Int64.max) else { throw .fault(.invalidContentLength) }
        }
        if value.count > 1, bytes[value.lowerBound] == 0x30 { fields.drop(index) }
        return length
    }

    /// Whether the body is chunked: `Transfer-Encoding: chunked`, nothing else, and nothing that contradicts it
    /// (RFC 9112 sections 6.1 and 6.3).
    static func isChunked(
        _ bytes: Span<UInt8>, minorVersion: UInt8, fields: borrowing FieldTable
    ) throws(LineProblem) -> Bool {
        guard let index = fields.index(of: .transferEncoding) else { return false }
        guard !fields.presence.contains(.contentLength) else { throw .fault(.contentLengthAndTransferEncoding) }
        guard !fields.repeated.contains(.transferEncoding) else { throw .fault(.repeatedTransferEncoding) }
        let value = fields[index].value
        guard bytes.equals("chunked", value) else {
            var isToken = !value.isEmpty
            for position in value.indices where !bytes[position].isToken { isToken = false }
            throw .fault(isToken ? .unknownTransferEncoding : .invalidTransferEncoding)
        }
        guard minorVersion >= 1 else { throw .fault(.transferEncodingInHTTP10) }
        return true
    }

    // MARK: - Connection

    struct ConnectionOptions: BitwiseCopyable {
        var close = false
        var keepAlive = false
        var upgrade = false

        /// RFC 9112 section 9.3.
        func keepsAlive(minorVersion: UInt8) -> Bool { !self.close && (minorVersion >= 1 || self.keepAlive) }
    }

    /// Reads the `Connection` fields, and marks the fields that they name as not to be forwarded
    /// (RFC 9110 section 7.6.1).
    @inline(always)
    static func connectionOptions(
        _ bytes: Span<UInt8>, fields: inout FieldTable
    ) throws(LineProblem) -> ConnectionOptions {
        var options = ConnectionOptions()
        guard let first = fields.index(of: .connection) else { return options }
        if _fastPath(!fields.repeated.contains(.connection)) {
            let value = fields[first].value
            if bytes.equals("keep-alive", value) {
                options.keepAlive = true
                return options
            }
            if bytes.equals("close", value) {
                options.close = true
                return options
            }
        }
        try Self.readConnectionOptions(bytes, from: first, fields: &fields, into: &options)
        return options
    }

    @inline(never)
    private static func readConnectionOptions(
        _ bytes: Span<UInt8>, from first: Int, fields: inout FieldTable, into options: inout ConnectionOptions
    ) throws(LineProblem) {
        var count = 0
        for index in first..<fields.count where fields[index].field == .connection {
            var list = ListElements(fields[index].value)
            while let option = list.next(bytes) {
                count += 1
                guard count <= MessageLimits.connectionOptions else { throw .fault(.tooManyConnectionOptions) }
                if bytes.equals("close", option) {
                    options.close = true
                } else if bytes.equals("keep-alive", option) {
                    options.keepAlive = true
                } else if bytes.equals("upgrade", option) {
                    options.upgrade = true
                } else {
                    for line in 0..<fields.count
                    where !Self.isForEverybody(fields[line].field)
                        && bytes.equalsIgnoringCase(fields[line].name, option)
                    {
                        fields.drop(line)
                    }
                }
            }
        }
    }

    /// Fields that no `Connection` makes a matter of one connection: a client must not take from a request what frames it, whom
    /// it is for, and what proxies say of it.
    private static func isForEverybody(_ field: KnownField) -> Bool {
        switch field {
        case .host, .contentLength, .transferEncoding, .forwarded, .xForwardedFor, .xForwardedHost, .xForwardedPort,
            .xForwardedProto, .xForwardedScheme, .xForwardedOther, .xScheme, .xRealIP, .xRequestID, .clientIdentity:
            true
        default: false
        }
    }

    // MARK: - Upgrade

    /// What the only `Upgrade` field asks for. HTTP/2 is asked for by no one who wants an answer (RFC 9113 section 3.1).
    static func upgrade(_ bytes: Span<UInt8>, fields: borrowing FieldTable) -> UpgradeKind {
        guard let index = fields.index(of: .upgrade), !fields.repeated.contains(.upgrade) else { return .none }
        var kind = UpgradeKind.none
        var list = ListElements(fields[index].value)
        while let name = list.next(bytes) {
            if bytes.equals("websocket", name) { return .webSocket }
            if bytes.equals("h2c", name) || bytes.equals("h2", name) { return .none }
            if name.count >= 5, bytes.hasToken("http", at: name.lowerBound) { return .none }
            kind = .other
        }
        return kind
    }
}

/// The elements of a comma-separated list, without white space around them and without empty ones (RFC 9110 section 5.6.1).
struct ListElements: BitwiseCopyable {
    private var position: Int
    private let end: Int

    init(_ value: ByteRange) {
        self.position = value.lowerBound
        self.end = value.upperBound
    }

    mutating func next(_ bytes: Span<UInt8>) -> ByteRange? {
        while self.position < self.end {
            var start = self.position
            var end = start
            while end < self.end, bytes[end] != .comma { end &+= 1 }
            self.position = end &+ 1
            while start < end, bytes[start].isBlank { start &+= 1 }
            while end > start, bytes[end &- 1].isBlank { end &-= 1 }
            if end > start { return ByteRange(start: start, count: end &- start) }
        }
        return nil
    }
}
