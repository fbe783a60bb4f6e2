package import KubernetesAPI

/// What a Service asks of the userspace balancer, by annotations under `fairlead.dev/`: docs/userspace.md. A value that cannot
/// be read counts as absent and is among the problems.
package struct StreamAnnotations: Hashable, Sendable {
    /// What may follow the prefix, besides ``HealthCheckAnnotations/Key`` and ``ServiceAnnotations/Key/algorithm``.
    package enum Key: String, CaseIterable, Sendable {
        case proxyProtocol = "proxy-protocol"
        case slowStart = "slow-start"
        case connectionsPerClient = "connections-per-client"
        case connectionRatePerClient = "connection-rate-per-client"
        case passthrough = "tls-passthrough"
        /// Taken, and not there: whoever sets it is told so.
        case keepsClientAddress = "keep-client-address"

        package var name: String { KnownKey.ownPrefix + self.rawValue }
    }

    /// `shop.example=shop:443`: whose endpoints TLS connections for a name go to.
    package struct ServerName: Hashable, Sendable {
        /// In lower case; `*.shop.example` for one label more.
        package let name: String
        /// In the namespace of the Service that says so.
        package let service: String
        /// nil: the port with the number that the client came to, or the only one.
        package let port: PortReference?
    }

    /// What is the same at all ports: all but the routes by name.
    package private(set) var policy = StreamPolicy()
    package private(set) var serverNames: [ServerName] = []
    package private(set) var problems: [String] = []

    package static let clientLimits = 0...1_000_000

    package init(_ annotations: [String: String]) {
        guard annotations.keys.contains(where: { $0.utf8.starts(with: KnownKey.ownPrefix.utf8) }) else { return }
        let checks = HealthCheckAnnotations(annotations)
        self.policy.healthCheck = checks.policy
        self.problems = checks.problems.map(\.message)
        self.policy.sendsProxyProtocol =
            self.read(.proxyProtocol, annotations, "v2") { $0 == "v2" ? true : nil } ?? false
        self.policy.slowStart =
            self.read(.slowStart, annotations, AnnotationValues.timeoutRule, AnnotationValues.timeout) ?? 0
        let limit = "a number up to \(Self.clientLimits.upperBound), 0 for any"
        self.policy.connectionsPerClient =
            self.read(.connectionsPerClient, annotations, limit) {
                AnnotationValues.number($0, in: Self.clientLimits)
            } ?? 0
        self.policy.connectionRatePerClient =
            self.read(.connectionRatePerClient, annotations, limit) {
                AnnotationValues.number($0, in: Self.clientLimits)
            } ?? 0
        if self.read(.keepsClientAddress, annotations, "true or false", AnnotationValues.boolean) == true {
            self.problems.append(
                "\(Key.keepsClientAddress.name): the userspace balancer has no transparent sockets: what it serves comes from the "
                    + "node's address; \(Key.proxyProtocol.name) tells endpoints the client's")
        }
        if let text = annotations[Key.passthrough.name] { self.readServerNames(text) }
    }

    private mutating func read<Value>(
        _ key: Key, _ annotations: [String: String], _ expected: String, _ parse: (String) -> Value?
    ) -> Value? {
        guard let text = annotations[key.name] else { return nil }
        if let value = parse(text) { return value }
        self.problems.append("\(key.name): must be \(expected), not \(Quoted.text(text))")
        return nil
    }

    private mutating func readServerNames(_ text: String) {
        for part in AnnotationValues.list(text) {
            guard let serverName = Self.serverName(part) else {
                self.problems.append(
                    "\(Key.passthrough.name): \(Quoted.text(part)) is not NAME=SERVICE or NAME=SERVICE:PORT, with a name such "
                        + "as shop.example or *.shop.example")
                continue
            }
            guard !self.serverNames.contains(where: { $0.name == serverName.name }) else {
                self.problems.append("\(Key.passthrough.name): \(serverName.name) is there twice, the first one counts")
                continue
            }
            self.serverNames.append(serverName)
        }
    }

    private static func serverName(_ text: String) -> ServerName? {
        let sides = text.split(separator: "=", omittingEmptySubsequences: false).map(AnnotationValues.trimmed)
        guard sides.count == 2 else { return nil }
        let name = sides[0].lowercased()
        let bare = name.hasPrefix("*.") ? String(name.dropFirst(2)) : name
        let target = sides[1].split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard NameRules.subdomain(bare) == nil, target.count == 1 || target.count == 2,
            NameRules.label(target[0]) == nil
        else { return nil }
        guard target.count == 2 else { return ServerName(name: name, service: target[0], port: nil) }
        let isNumber = target[1].utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        if isNumber {
            guard let number = UInt16(target[1]), number > 0 else { return nil }
            return ServerName(name: name, service: target[0], port: .number(number))
        }
        guard NameRules.label(target[1]) == nil else { return nil }
        return ServerName(name: name, service: target[0], port: .name(target[1]))
    }
}
