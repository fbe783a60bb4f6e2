package import Networking

// Traces: why a packet goes where it goes. Pure: what the planner knows and a packet in, every decision with its reason out.

/// A packet that begins a connection.
package struct TracedPacket: Hashable, Sendable {
    package var source: IPAddress
    package var destination: IPAddress
    package var transport: TransportProtocol
    package var port: UInt16
    /// By which it comes to this host; nil: not said, or it is the host's own.
    package var interface: String?

    package init(
        from source: IPAddress, to destination: IPAddress, _ transport: TransportProtocol, _ port: UInt16,
        interface: String? = nil
    ) {
        self.source = source
        self.destination = destination
        self.transport = transport
        self.port = port
        self.interface = interface
    }
}

/// What becomes of a packet, and why.
package struct PacketTrace: Codable, Hashable, Sendable {
    package enum Verdict: String, Codable, Hashable, Sendable {
        /// It goes to one of the candidates that are chosen.
        case translated
        /// The client is told at once: a TCP reset, or an ICMP error.
        case refused
        /// The client is told nothing.
        case dropped
        /// It is no Service's: the host routes it, or answers it.
        case passed
    }

    /// Who sends it.
    package enum Client: String, Codable, Hashable, Sendable {
        case thisNode = "this node"
        case pod
        case outside
    }

    /// A decision on the way.
    package struct Step: Codable, Hashable, Sendable {
        package enum Subject: String, Codable, Hashable, Sendable {
            case client
            case destination
            case sources
            case policy
            case balancing
            case source
            case server
        }

        package let subject: Subject
        package let text: String
    }

    /// An endpoint that the Service has for this port and family.
    package struct Candidate: Codable, Hashable, Sendable {
        /// `10.244.1.5:8080`
        package let address: String
        package let node: String?
        package let zone: String?
        /// How many of a thousand new connections it gets; nil: none.
        package let permille: Int?
        /// Whether it sees the node's address instead of the client's.
        package let isMasqueraded: Bool
        /// Why it gets some, or none.
        package let reason: String
        /// What a connection from this host to it came to; nil: none was made.
        package var probe: String?
    }

    /// Who takes connections to it.
    package enum Server: String, Codable, Hashable, Sendable {
        case kernel
        case userspace
    }

    package let client: Client
    /// nil where it is no Service's, or nobody serves it, or it does not get that far.
    package var server: Server?
    /// `default/web:http`; nil where it is no Service's.
    package var servicePort: String?
    package var steps: [Step] = []
    package var candidates: [Candidate] = []
    package var verdict: Verdict
    /// In a sentence.
    package var reason: String

    /// Those that it may go to.
    package var targets: [Candidate] { self.candidates.filter { $0.permille != nil } }
}
