package import HTTP1
package import HTTP2
internal import Linux
package import TLS

/// Why a check failed. The description is for the log and the pages.
package enum ProbeFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What the connection was to do when its time was over.
    package enum Step: String, Hashable, Sendable {
        case connect = "connecting"
        case handshake = "shaking hands"
        case answer = "waiting for an answer"
    }

    /// No connection; an errno.
    case unreachable(Int32)
    case timedOut(Step)
    case handshake(TLSFailure)
    /// The endpoint does not choose HTTP/2 in TLS (ALPN), and gRPC is nothing without.
    case noHTTP2
    /// Ended without an answer.
    case closed
    /// Broken within the answer; an errno.
    case lost(Int32)
    /// No HTTP.
    case malformed(MessageFault)
    /// HTTP/2 that breaks a rule.
    case http2(HTTP2Failure)
    /// The endpoint broke the request off, with a code of RFC 9113 section 7.
    case reset(code: UInt32)
    case status(UInt16)
    /// A call that failed, with a status of gRPC.
    case call(status: UInt32)
    /// An answer that is no `HealthCheckResponse`, or has no `grpc-status`.
    case noHealthAnswer
    case notServing(ServingStatus)

    /// What metrics tell apart. The raw values are label values.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case unreachable
        case timeout
        case tls
        case `protocol`
        case status
    }

    package var kind: Kind {
        switch self {
        case .unreachable: .unreachable
        case .timedOut: .timeout
        case .handshake, .noHTTP2: .tls
        case .closed, .lost, .malformed, .http2, .reset, .noHealthAnswer: .protocol
        case .status, .call, .notServing: .status
        }
    }

    package var description: String {
        switch self {
        case .unreachable(let number), .lost(let number): SystemError.text(of: number).lowercased()
        case .timedOut(let step): "timed out \(step.rawValue)"
        case .handshake(let failure): "TLS: \(failure)"
        case .noHTTP2: "TLS: the endpoint does not choose HTTP/2"
        case .closed: "closed without an answer"
        case .malformed(let fault): "no HTTP: \(fault.text)"
        case .http2(let failure): "no HTTP/2: \(Self.text(of: failure))"
        case .reset(let code): "the request was broken off: code \(code) of HTTP/2"
        case .status(let status): "status \(status)"
        case .call(let status): GRPCStatus.describe(status)
        case .noHealthAnswer: "the answer is none of grpc.health.v1.Health"
        case .notServing(let status): status.description
        }
    }

    private static func text(of failure: HTTP2Failure) -> String {
        switch failure {
        case .badPreface: "it does not begin as that does"
        case .connectionError(let code): "error \(code)"
        case .flood(let flood): "too many of its \(flood.text)"
        case .internalError: "internal error"
        }
    }
}

/// `HealthCheckResponse.ServingStatus` of grpc/health/v1/health.proto.
package struct ServingStatus: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }

    package static let unknown = ServingStatus(rawValue: 0)
    package static let serving = ServingStatus(rawValue: 1)
    package static let notServing = ServingStatus(rawValue: 2)
    package static let serviceUnknown = ServingStatus(rawValue: 3)

    package var description: String {
        switch self {
        case .unknown: "UNKNOWN"
        case .serving: "SERVING"
        case .notServing: "NOT_SERVING"
        case .serviceUnknown: "SERVICE_UNKNOWN"
        default: "serving status \(self.rawValue)"
        }
    }
}

/// Names of gRPC's statuses.
enum GRPCStatus {
    static let ok: UInt32 = 0
    static let deadlineExceeded: UInt32 = 4
    static let notFound: UInt32 = 5
    static let unimplemented: UInt32 = 12

    private static let names = [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
        "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
        "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
    ]

    static func describe(_ status: UInt32) -> String {
        let name = Self.names.indices.contains(Int(status)) ? Self.names[Int(status)] : "grpc-status \(status)"
        return switch status {
        case Self.unimplemented: "\(name): the server has no service grpc.health.v1.Health"
        case Self.notFound: "\(name): the server knows no service of that name"
        default: name
        }
    }
}
