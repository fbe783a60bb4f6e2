internal import ArgumentParser
internal import IngressControl
internal import KubernetesAPI
internal import KubernetesClient
internal import Networking

/// Options of where Ingresses are said to be reached; names and defaults as ingress-nginx's.
struct StatusOptions: ParsableArguments {
    @Option(
        name: .customLong("publish-service"),
        help: ArgumentHelp(
            "The Service whose addresses become those of the Ingresses' status: the one in front of this.",
            valueName: "namespace/name"))
    var publishService: String?

    @Option(
        name: .customLong("publish-status-address"),
        help: ArgumentHelp(
            """
            Addresses or names for it, instead of a Service's. Without either: the nodes that replicas run on, or this \
            host's own.
            """, valueName: "address,address"))
    var publishStatusAddress: [String] = []

    @Option(
        name: .customLong("update-status"), defaultAsFlag: "true", parsing: .next,
        help: ArgumentHelp("Write it into the status of Ingresses, at an API server. Default: true.", valueName: "bool")
    )
    var updateStatus: String?

    @Option(
        name: .customLong("update-status-on-shutdown"), defaultAsFlag: "true", parsing: .next,
        help: ArgumentHelp("Take it out again when the last replica ends. Default: true.", valueName: "bool"))
    var updateStatusOnShutdown: String?

    @Option(
        name: .customLong("election-id"),
        help: ArgumentHelp(
            "The Lease by which one of the replicas is chosen who writes it, in the namespace of this pod.",
            valueName: "name"))
    var electionID = "fairlead-ingress"

    func source() throws(CommandFailure) -> AddressSource {
        let service = try FlagValue.objectName("publish-service", self.publishService)
        let texts = FlagValue.list(self.publishStatusAddress)
        guard service == nil || texts.isEmpty else {
            throw .usage(
                "--publish-service, --publish-status-address: only one of them says where Ingresses are reached")
        }
        if let service { return .service(service) }
        var addresses: [PublishedAddress] = []
        for text in texts {
            // A name without a dot means something to its own network alone.
            guard let address = PublishedAddress(text), IPAddress(text) != nil || text.contains(".") else {
                throw .usage(
                    "--publish-status-address: '\(text)' is neither an address nor a DNS name such as lb.example.com")
            }
            addresses.append(address)
        }
        return addresses.isEmpty ? .nodes : .fixed(addresses)
    }

    func validElectionID() throws(CommandFailure) -> String {
        if let problem = NameRules.subdomain(self.electionID) { throw .usage("--election-id: \(problem)") }
        return self.electionID
    }
}

/// How values of flags are read that several flags have.
enum FlagValue {
    /// Separated by commas, or given several times.
    static func list(_ values: [String]) -> [String] {
        values.flatMap { $0.split(separator: ",") }.map { $0.filter { $0 != " " } }.filter { !$0.isEmpty }
    }

    static func isTrue(_ name: String, _ value: String?, default standard: Bool) throws(CommandFailure) -> Bool {
        value == nil ? standard : try GivenFlag.isTrue(name, value)
    }

    /// `namespace/name`.
    static func objectName(_ flag: String, _ value: String?) throws(CommandFailure) -> ObjectName? {
        guard let value, !value.isEmpty else { return nil }
        let parts = value.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, NameRules.label(parts[0]) == nil, NameRules.subdomain(parts[1]) == nil else {
            throw .usage("--\(flag): must be namespace/name, not '\(value)'")
        }
        return ObjectName(namespace: parts[0], name: parts[1])
    }
}
