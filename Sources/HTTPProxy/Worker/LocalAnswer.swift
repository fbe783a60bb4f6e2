internal import HTTP1

/// An answer of our own: no endpoint made it. The reason goes to the client in `X-Fairlead-Reason`, to the log and the metrics.
enum LocalAnswer: BitwiseCopyable {
    case refused(MessageFault)
    case noRoute
    case bodyTooLarge
    case headTimeout
    case bodyTimeout
    case misdirected
    case noCertificate
    case httpOnHTTPS
    /// Nothing has been read from the source yet.
    case starting
    case noClientAuthority
    case serviceMissing
    case portMissing
    case externalNameRefused
    case backendSecretUnusable
    case noEndpoints
    case endpointsBusy
    case unreachable
    /// This process has no descriptor, port or memory for a connection.
    case exhausted
    case connectTimeout
    case noReply
    /// A WebSocket, to an endpoint of HTTP/2 that does not know how.
    case protocolUnsupported
    case badReply
    case replyTimeout
    /// The client of a call waits no longer.
    case deadlineExceeded
    /// To the same address by HTTPS.
    case redirect

    var status: UInt16 {
        switch self {
        case .refused(let fault): fault.status
        case .noRoute: 404
        case .bodyTooLarge: 413
        case .headTimeout, .bodyTimeout: 408
        case .misdirected: 421
        case .noCertificate, .httpOnHTTPS: 400
        case .starting, .noClientAuthority, .serviceMissing, .portMissing, .externalNameRefused,
            .backendSecretUnusable, .noEndpoints, .endpointsBusy, .exhausted:
            503
        case .unreachable, .noReply, .badReply, .protocolUnsupported: 502
        case .connectTimeout, .replyTimeout, .deadlineExceeded: 504
        case .redirect: 308
        }
    }

    /// What is wrong with the request, or one word.
    var reason: StaticString {
        switch self {
        case .refused(let fault): fault.text
        case .noRoute: "no-route"
        case .bodyTooLarge: "body-too-large"
        case .headTimeout: "request-head-timeout"
        case .bodyTimeout: "request-body-timeout"
        case .misdirected: "misdirected"
        case .noCertificate: "no-client-certificate"
        case .httpOnHTTPS: "http-on-https-port"
        case .starting: "starting"
        case .noClientAuthority: "no-client-authority"
        case .serviceMissing: "service-missing"
        case .portMissing: "service-port-missing"
        case .externalNameRefused: "external-name-refused"
        case .backendSecretUnusable: "backend-secret-unusable"
        case .noEndpoints: "no-endpoints"
        case .endpointsBusy: "endpoints-busy"
        case .unreachable: "endpoint-unreachable"
        case .exhausted: "out-of-resources"
        case .connectTimeout: "endpoint-connect-timeout"
        case .noReply: "endpoint-closed"
        case .protocolUnsupported: "endpoint-lacks-protocol"
        case .badReply: "endpoint-invalid-response"
        case .replyTimeout: "endpoint-response-timeout"
        case .deadlineExceeded: "deadline-exceeded"
        case .redirect: "https-redirect"
        }
    }

    /// The status of a call of gRPC.
    var callStatus: UInt8 {
        if case .deadlineExceeded = self { return GRPC.deadlineExceeded }
        return GRPC.status(for: self.status)
    }

    /// Whether the connection is closed after it, whatever else.
    var closes: Bool {
        switch self {
        case .refused, .headTimeout, .bodyTimeout, .bodyTooLarge, .httpOnHTTPS: true
        default: false
        }
    }
}
