internal import FoundationEssentials
internal import KubernetesAPI
internal import Linux

/// Who this process is among its replicas, as the downward API tells it: `POD_NAME`, `POD_NAMESPACE`, `NODE_NAME`.
struct ReplicaIdentity {
    /// The pod that this runs in, if any.
    let pod: ObjectName?
    /// Whether it runs in a pod, whose name may not be known.
    let isInPod: Bool
    /// Where the Lease is.
    let namespace: String
    /// Empty if nobody says.
    let nodeName: String
    /// In events: the pod's name, or the host's.
    let instance: String
    /// Different from all others', also from that of the process before in the same pod.
    let leaseHolder: String

    private static let namespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

    /// - Parameter nodeName: what `--hostname-override` says.
    init(environment: [String: String], nodeName: String? = nil) {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let namespace = value("POD_NAMESPACE") ?? Self.accountNamespace
        self.pod = value("POD_NAME").flatMap { name in namespace.map { ObjectName(namespace: $0, name: name) } }
        self.isInPod = namespace != nil
        self.namespace = namespace ?? "default"
        self.nodeName = (nodeName ?? value("NODE_NAME"))?.lowercased() ?? ""
        self.instance = self.pod?.name ?? HostSystem.name
        self.leaseHolder = self.instance + "_" + String(UInt64.random(in: 0 ... .max), radix: 16)
    }

    private static var accountNamespace: String? {
        guard let file = try? Descriptor.open(self.namespaceFile, flags: 0),
            let bytes = try? file.readToEnd(limit: 4096), !bytes.isEmpty
        else { return nil }
        return String(decoding: bytes.filter { $0 > 0x20 }, as: UTF8.self)
    }
}
