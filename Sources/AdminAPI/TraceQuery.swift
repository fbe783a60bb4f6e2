internal import Networking
package import Traces

/// What is to be followed: the query of `GET /v1/trace`.
package enum TraceQuery: Hashable, Sendable {
    /// `from=10.244.1.7&to=10.96.0.10&port=80&protocol=tcp&interface=cali0`, all but the last two of them needed.
    case packet(TracedPacket)
    /// `url=https://shop.example.com/cart`, percent-encoded.
    case request(TracedRequest)

    /// From what stands behind the question mark of a request.
    package init(query: String) throws(APIFailure) {
        let parameters = try QueryParameters(
            query, names: ["url", "from", "to", "port", "protocol", "interface"])
        guard let url = parameters["url"] else {
            self = .packet(try Self.packet(parameters))
            return
        }
        guard parameters.count == 1 else { throw .badRequest("beside 'url' nothing can be given") }
        guard let request = TracedRequest(url: url) else {
            throw .badRequest("'url' has to be one such as https://shop.example.com/cart")
        }
        self = .request(request)
    }

    private static func packet(_ parameters: QueryParameters) throws(APIFailure) -> TracedPacket {
        guard let source = parameters["from"].flatMap({ IPAddress($0) }),
            let target = parameters["to"].flatMap({ IPAddress($0) }),
            source.family == target.family
        else { throw .badRequest("'from' and 'to' have to be addresses of the same IP version, or 'url' a URL") }
        guard let port = parameters["port"].flatMap({ UInt16($0) }) else {
            throw .badRequest("'port' has to be a number up to 65535")
        }
        guard let transport = TransportProtocol(kubernetesName: (parameters["protocol"] ?? "tcp").uppercased()) else {
            throw .badRequest("'protocol' has to be tcp, udp or sctp")
        }
        return TracedPacket(from: source, to: target, transport, port, interface: parameters["interface"])
    }

    /// Path and query, for a request.
    package var target: String {
        switch self {
        case .packet(let packet):
            QueryParameters.target(
                .trace,
                [
                    ("from", "\(packet.source)"), ("to", "\(packet.destination)"), ("port", "\(packet.port)"),
                    ("protocol", "\(packet.transport)"), ("interface", packet.interface),
                ])
        case .request(let request): QueryParameters.target(.trace, [("url", request.url)])
        }
    }
}
