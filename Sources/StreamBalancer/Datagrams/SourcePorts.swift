internal import Linux

/// The ports that sessions' sockets may have: those that the kernel would choose from, without the reserved ones, dealt out among workers.
///
/// The kernel gives a port to one socket only, whomever it talks to: then there could not be more sessions than ports on a node, 28,232
/// unless somebody sets another range. Chosen by us, a port is used once for each endpoint, as connection tracking does for masquerading.
package struct SourcePorts: Sendable {
    /// Empty: the kernel chooses.
    package let ports: [UInt16]

    /// - Parameters:
    ///   - worker: which of the `workers` has these. Workers know nothing of each other's sessions, so each has ports of its own.
    package init(_ range: ClosedRange<UInt16>, reserved: [ClosedRange<UInt16>] = [], worker: Int, of workers: Int) {
        // The first one that is this worker's, then every so many: a worker does this before it serves anybody.
        let first = Int(range.lowerBound) + (worker - Int(range.lowerBound) % workers + workers) % workers
        var ports: [UInt16] = []
        ports.reserveCapacity(range.count / workers + 1)
        for number in stride(from: first, through: Int(range.upperBound), by: workers) where number > 0 {
            let port = UInt16(number)
            if reserved.isEmpty || !reserved.contains(where: { $0.contains(port) }) { ports.append(port) }
        }
        self.ports = ports
    }

    /// As the network namespace of this thread has it: `net.ipv4.ip_local_port_range` and `ip_local_reserved_ports`, which also hold for IPv6.
    package static func ofThisHost(worker: Int, of workers: Int) -> SourcePorts {
        let range = HostSystem.setting("net.ipv4.ip_local_port_range").flatMap(self.range) ?? 32_768...60_999
        let reserved = HostSystem.setting("net.ipv4.ip_local_reserved_ports").map(self.reserved) ?? []
        return SourcePorts(range, reserved: reserved, worker: worker, of: workers)
    }

    /// `32768	60999`
    package static func range(_ text: String) -> ClosedRange<UInt16>? {
        let ports = text.split { $0 == "\t" || $0 == " " }.map { UInt16($0) }
        guard ports.count == 2, let first = ports[0], let last = ports[1], first <= last else { return nil }
        return first...last
    }

    /// `8080,9148-9150`
    package static func reserved(_ text: String) -> [ClosedRange<UInt16>] {
        text.split(separator: ",").compactMap { part in
            let ports = part.split(separator: "-").map { UInt16($0) }
            guard let first = ports.first ?? nil, let last = ports.last ?? nil, first <= last else { return nil }
            return first...last
        }
    }
}
