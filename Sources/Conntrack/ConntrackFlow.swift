package import Networking

// Conntrack: the kernel's connection table, listed and deleted from over netlink. Values in and
// out; what the entries mean to a Service is for others to say.

/// One connection that the kernel tracks: the tuples of both directions.
package struct ConntrackFlow: Hashable, Sendable {
    /// Where the packets of one direction come from and go to; ports in host order.
    package struct Tuple: Hashable, Sendable {
        package let source: IPAddress
        package let destination: IPAddress
        package let sourcePort: UInt16
        package let destinationPort: UInt16

        package init(source: IPAddress, sourcePort: UInt16, destination: IPAddress, destinationPort: UInt16) {
            self.source = source
            self.destination = destination
            self.sourcePort = sourcePort
            self.destinationPort = destinationPort
        }
    }

    package let transport: TransportProtocol
    /// As the client sent its first packet (`CTA_TUPLE_ORIG`): the destination is the Service's.
    package let original: Tuple
    /// As answers are sent (`CTA_TUPLE_REPLY`): the source is the endpoint.
    package let reply: Tuple
    /// `CTA_ID`, in host order. The kernel hashes it from the entry's place in memory and its original
    /// tuple, so a newer entry of the same original tuple that got the same memory has the same one:
    /// it identifies an entry together with the reply tuple.
    package let identifier: UInt32?
    /// `IPS_DST_NAT` (linux/netfilter/nf_conntrack_common.h): the reply comes from elsewhere than the
    /// client sent to.
    package let isDestinationTranslated: Bool
    /// `enum tcp_conntrack` (linux/netfilter/nf_conntrack_tcp.h): 3 is established. Nil unless TCP.
    package let tcpState: UInt8?
    /// Both ways; nil where the kernel does not account (`net.netfilter.nf_conntrack_acct`).
    package let bytes: UInt64?

    package init(
        transport: TransportProtocol,
        original: Tuple,
        reply: Tuple,
        identifier: UInt32?,
        isDestinationTranslated: Bool,
        tcpState: UInt8?,
        bytes: UInt64? = nil
    ) {
        self.transport = transport
        self.original = original
        self.reply = reply
        self.identifier = identifier
        self.isDestinationTranslated = isDestinationTranslated
        self.tcpState = tcpState
        self.bytes = bytes
    }

    /// TIME_WAIT and CLOSE of `enum tcp_conntrack`.
    package var isOver: Bool { self.tcpState == 7 || self.tcpState == 8 }

    /// The same connection in the same state, whatever has gone over it meanwhile.
    package static func == (left: Self, right: Self) -> Bool {
        left.transport == right.transport && left.original == right.original && left.reply == right.reply
            && left.identifier == right.identifier && left.isDestinationTranslated == right.isDestinationTranslated
            && left.tcpState == right.tcpState
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(self.transport)
        hasher.combine(self.original)
        hasher.combine(self.reply)
    }
}

extension ConntrackFlow.Tuple: CustomStringConvertible {
    /// As `conntrack -L` spells it.
    package var description: String {
        "src=\(self.source) dst=\(self.destination) sport=\(self.sourcePort) dport=\(self.destinationPort)"
    }
}

extension ConntrackFlow: CustomStringConvertible {
    package var description: String { "\(self.transport) \(self.original) \(self.reply)" }
}
