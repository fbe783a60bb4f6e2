internal import KubernetesAPI
package import Networking

/// What a Service asks for beyond the API, by annotations under `fairlead.dev/`. A value that cannot be
/// read counts as absent and is among the problems.
package struct ServiceAnnotations: Hashable, Sendable {
    package enum Algorithm: String, Hashable, Sendable, CaseIterable {
        /// Every new connection draws an endpoint.
        case random
        /// The same client address, the same endpoint, on every node.
        case clientIPHash = "client-ip-hash"
        /// The same client address and port, the same endpoint, on every node.
        case flowHash = "flow-hash"
        /// The endpoint with fewer open connections, which only the userspace balancer knows.
        case leastConnections = "least-connections"
    }

    package enum Key {
        package static let algorithm = KnownKey.ownPrefix + "load-balancing"
        package static let tableSize = KnownKey.ownPrefix + "hash-table-size"
        package static let zoneWeights = KnownKey.ownPrefix + "zone-weights"
        package static let deniedSources = KnownKey.ownPrefix + "denied-source-ranges"
        /// A label of EndpointSlices.
        package static let weight = KnownKey.ownPrefix + "weight"
    }

    /// With 4,096 places ten endpoints have shares within 5 % of equal (one standard deviation), a hundred
    /// within 16 %; each place is one element of a map in the kernel.
    package static let defaultTableSize = 4096
    package static let tableSizes = 64...65_536
    package static let weights = 0...100

    package private(set) var algorithm = Algorithm.random
    package private(set) var tableSize = Self.defaultTableSize
    package private(set) var zoneWeights: [String: Int] = [:]
    package private(set) var deniedSources: [CIDR] = []
    /// What only the userspace balancer can do.
    package let stream: StreamAnnotations
    package private(set) var problems: [String] = []

    package init(_ annotations: [String: String]) {
        self.stream = StreamAnnotations(annotations)
        guard !annotations.isEmpty else { return }
        if let text = annotations[Key.algorithm] {
            if let algorithm = Algorithm(rawValue: text) {
                self.algorithm = algorithm
            } else {
                let known = Algorithm.allCases.map(\.rawValue).joined(separator: ", ")
                self.problems.append("\(Key.algorithm): \"\(text)\" is none of \(known)")
            }
        }
        if let text = annotations[Key.tableSize] {
            if let size = Int(text), Self.tableSizes.contains(size) {
                self.tableSize = size
            } else {
                self.problems.append(
                    "\(Key.tableSize): must be a number between 64 and 65536, not \"\(text)\"")
            }
        }
        if let text = annotations[Key.zoneWeights] { self.readZoneWeights(text) }
        if let text = annotations[Key.deniedSources] {
            for part in AnnotationValues.list(text) {
                if let block = CIDR(part) {
                    self.deniedSources.append(block)
                } else {
                    self.problems.append(
                        "\(Key.deniedSources): \"\(part)\" is not an address block such as 192.0.2.0/24")
                }
            }
        }
        self.problems += self.stream.problems
    }

    /// What the userspace balancer is asked for at this Service's ports, but for names of servers.
    package var streamPolicy: StreamPolicy {
        var policy = self.stream.policy
        if self.algorithm == .leastConnections { policy.algorithm = .leastConnections }
        return policy
    }

    private mutating func readZoneWeights(_ text: String) {
        for part in AnnotationValues.list(text) {
            let sides = part.split(separator: "=", omittingEmptySubsequences: false)
            if sides.count == 2, !sides[0].isEmpty, let weight = Int(sides[1]), Self.weights.contains(weight) {
                self.zoneWeights[String(sides[0])] = weight
            } else {
                self.problems.append("\(Key.zoneWeights): \"\(part)\" is not ZONE=WEIGHT with a weight from 0 to 100")
            }
        }
    }

    /// The weight that a slice's label gives its endpoints; nil if it has none or one that cannot be read.
    package static func weight(ofSlice labels: [String: String]) -> Int? {
        labels[Key.weight].flatMap { Int($0) }.flatMap { Self.weights.contains($0) ? $0 : nil }
    }
}
