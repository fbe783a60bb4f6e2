internal import Admin
internal import KernelDataplane
internal import KubernetesAPI
internal import KubernetesClient
internal import KubernetesWire
internal import ServiceModel

/// The events that kube-proxy writes too (cmd/kube-proxy/app/server.go, pkg/proxy/healthcheck).
extension EventRecorder {
    func recordStart(node: String) {
        self.record(
            .normal, reason: "Starting", action: "StartKubeProxy", note: "fairlead is starting",
            regarding: .node(node))
    }

    /// Who serves now, where it was somebody else until now.
    func record(_ mode: DataplaneMode, node: String) {
        switch mode {
        case .nftables:
            self.record(
                .normal, reason: "DataplaneNftables", action: "Program",
                note: "nftables serves virtual IPs and NodePorts again", regarding: .node(node))
        case .userspace(let reason):
            self.record(
                .warning, reason: "DataplaneUserspace", action: "Program",
                note: "nftables cannot be programmed, the userspace balancer serves virtual IPs and NodePorts: "
                    + (reason ?? ""), regarding: .node(node))
        }
    }

    func record(_ problem: StreamProblem, node: String) {
        let service = problem.port.service
        self.record(
            .warning, reason: "FailedToListen", action: "Listen",
            note: "node \(node) cannot listen on \(problem.address): \(problem.reason)",
            regarding: ObjectReference(
                apiVersion: "v1", kind: "Service", namespace: service.namespace, name: service.name))
    }

    func record(_ trouble: ListeningTrouble, node: String) {
        let note = "cannot listen on \(trouble.address): \(trouble.reason)"
        switch trouble.user {
        case .site("health"):
            self.record(
                .warning, reason: "FailedToStartProxierHealthcheck", action: "StartKubeProxy", note: note,
                regarding: .node(node))
        case .site:
            self.record(
                .warning, reason: "FailedToStartMetricServer", action: "StartKubeProxy", note: note,
                regarding: .node(node))
        case .service(let namespace, let name):
            self.record(
                .warning, reason: "FailedToStartServiceHealthcheck", action: "Listen",
                note: "node \(node) \(note)",
                regarding: ObjectReference(apiVersion: "v1", kind: "Service", namespace: namespace, name: name))
        }
    }
}

extension ObjectReference {
    /// As the kubelet and kube-proxy refer to their Node: by its name in place of its uid, which they need not know.
    fileprivate static func node(_ name: String) -> ObjectReference {
        ObjectReference(apiVersion: "v1", kind: "Node", name: name, uid: name)
    }
}
