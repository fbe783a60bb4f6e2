internal import Bytes
internal import ServiceModel

/// What is sent to an endpoint: the head of an HTTP/1.1 request, which ``HTTP2Session`` turns into fields, and a body.
struct ProbeRequest {
    let head: [UInt8]
    let body: [UInt8]

    static let userAgent = "fairlead-health-check"

    /// `Host` is the endpoint's address, as the kubelet's probes have it: it says so that it is no client's request, and an application
    /// that looks at names lets one pass for its probes' sake.
    static func get(_ path: String, authority: String) -> ProbeRequest {
        let head =
            "GET \(path) HTTP/1.1\r\nHost: \(authority)\r\nUser-Agent: \(Self.userAgent)\r\nAccept: */*\r\n"
            + "Connection: close\r\n\r\n"
        return ProbeRequest(head: Array(head.utf8), body: [])
    }

    /// `grpc.health.v1.Health/Check` (gRPC's `PROTOCOL-HTTP2.md` and `health-checking.md`).
    static func check(_ service: String, authority: String, timeout milliseconds: UInt32) -> ProbeRequest {
        let body = GRPCMessage.framed(HealthCheckMessage.request(service))
        let head =
            "POST /grpc.health.v1.Health/Check HTTP/1.1\r\nHost: \(authority)\r\nUser-Agent: \(Self.userAgent)\r\n"
            + "Content-Type: application/grpc\r\nTE: trailers\r\ngrpc-timeout: \(milliseconds)m\r\n"
            + "Content-Length: \(body.count)\r\n\r\n"
        return ProbeRequest(head: Array(head.utf8), body: body)
    }
}

/// Length-prefixed messages, as gRPC sends them.
enum GRPCMessage {
    /// A flag, and the length in four bytes.
    static let prefix = 5

    static func framed(_ message: [UInt8]) -> [UInt8] {
        let count = UInt32(message.count)
        return [0] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * UInt32($0))) } + message
    }

    /// The only message of a body that has exactly one, not compressed: nobody was told that it may be.
    static func only(_ body: [UInt8]) -> [UInt8]? {
        guard body.count >= Self.prefix, body[0] == 0 else { return nil }
        let count = body[1..<Self.prefix].reduce(0) { $0 << 8 | Int($1) }
        return count == body.count - Self.prefix ? Array(body[Self.prefix...]) : nil
    }
}

/// `HealthCheckRequest` and `HealthCheckResponse` of grpc/health/v1/health.proto, which have one field each.
enum HealthCheckMessage {
    /// `string service = 1`; empty is what the field is without being there.
    static func request(_ service: String) -> [UInt8] {
        guard !service.isEmpty else { return [] }
        var bytes: [UInt8] = [0x0a]
        var count = UInt64(service.utf8.count)
        while count >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: count) | 0x80)
            count >>= 7
        }
        return bytes + [UInt8(count)] + service.utf8
    }

    /// `ServingStatus status = 1`; nil for what is no message. Fields of other numbers are passed over.
    static func status(_ message: [UInt8]) -> ServingStatus? {
        var reader = Reader(bytes: message)
        var status = ServingStatus.unknown
        while !reader.isAtEnd {
            guard let tag = reader.varint(), tag >> 3 != 0 else { return nil }
            switch tag & 7 {
            case 0:
                guard let value = reader.varint() else { return nil }
                if tag >> 3 == 1 { status = ServingStatus(rawValue: value) }
            case 1: guard reader.skip(8) else { return nil }
            case 2: guard let count = reader.varint(), reader.skip(count) else { return nil }
            case 5: guard reader.skip(4) else { return nil }
            default: return nil
            }
        }
        return status
    }

    private struct Reader {
        let bytes: [UInt8]
        var position = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        var isAtEnd: Bool { self.position == self.bytes.count }

        /// At most ten bytes.
        mutating func varint() -> UInt64? {
            var value: UInt64 = 0
            for index in 0..<10 {
                guard self.position < self.bytes.count else { return nil }
                let byte = self.bytes[self.position]
                self.position += 1
                value |= UInt64(byte & 0x7f) << (7 * UInt64(index))
                if byte & 0x80 == 0 { return value }
            }
            return nil
        }

        mutating func skip(_ count: UInt64) -> Bool {
            guard count <= UInt64(self.bytes.count - self.position) else { return false }
            self.position += Int(count)
            return true
        }
    }
}
