public import Networking

/// What the kernel tells of a packet that is traced: it met a rule, or the end of a chain (`NFT_MSG_TRACE`,
/// net/netfilter/nf_tables_trace.c).
public struct TraceEvent: Sendable, Hashable {
    public enum Place: Sendable, Hashable {
        /// A rule that matched.
        case rule(handle: UInt64)
        /// The end of a chain that another one led to.
        case end
        /// The end of a base chain.
        case policy
    }

    /// Addresses and ports as they were there.
    public struct Headers: Sendable, Hashable {
        public var source: IPAddress
        public var destination: IPAddress
        public var sourcePort: UInt16
        public var destinationPort: UInt16

        public init(source: IPAddress, _ sourcePort: UInt16, destination: IPAddress, _ destinationPort: UInt16) {
            self.source = source
            self.destination = destination
            self.sourcePort = sourcePort
            self.destinationPort = destinationPort
        }

        /// - Parameters:
        ///   - network: the IP header (RFC 791 section 3.1, RFC 8200 section 3).
        ///   - transport: what starts with two ports: TCP, UDP, SCTP.
        init?(network: [UInt8], transport: [UInt8]) {
            guard let version = network.first.map({ $0 >> 4 }), transport.count >= 4 else { return nil }
            let (start, length) = version == 4 ? (12, 4) : (8, 16)
            guard version == 4 || version == 6, network.count >= start + 2 * length,
                let source = IPAddress(bytes: network[start..<start + length]),
                let destination = IPAddress(bytes: network[start + length..<start + 2 * length])
            else { return nil }
            self.init(
                source: source, UInt16(transport[0]) << 8 | UInt16(transport[1]),
                destination: destination, UInt16(transport[2]) << 8 | UInt16(transport[3]))
        }
    }

    /// Tells packets apart: one has the same all its way through the host.
    public var packet: UInt32
    public var table: TableReference
    public var chain: String
    public var place: Place
    /// nil: one of those that take a packet away (`queue`, `stolen`).
    public var verdict: Verdict?
    /// With the first event of each base chain only.
    public var headers: Headers?
    /// Indexes of interfaces, likewise.
    public var input: UInt32?
    public var output: UInt32?

    public init(packet: UInt32, _ table: TableReference, chain: String, _ place: Place, _ verdict: Verdict?) {
        self.packet = packet
        self.table = table
        self.chain = chain
        self.place = place
        self.verdict = verdict
    }
}
