package import Networking

/// A Node.
package struct NodeManifest: Manifest {
    package var name: String
    package var zone: String?
    package var podCIDRs: [CIDR]
    package var internalIPs: [IPAddress]
    /// Keys, with the effect NoSchedule.
    package var taints: [String] = []
    /// As RFC 3339 has it.
    package var deletionTimestamp: String?
    /// Besides the zone.
    package var labels: [String: String] = [:]
    package var annotations: [String: String] = [:]

    package init(_ name: String, zone: String? = nil, podCIDRs: [CIDR] = [], internalIPs: [IPAddress] = []) {
        self.name = name
        self.zone = zone
        self.podCIDRs = podCIDRs
        self.internalIPs = internalIPs
    }

    package var yaml: String {
        var text = Lines()
        text.add("apiVersion: v1")
        text.add("kind: Node")
        var labels = self.labels
        if let zone = self.zone { labels["topology.kubernetes.io/zone"] = zone }
        text.metadata(name: self.name, labels: labels, annotations: self.annotations)
        if let time = self.deletionTimestamp { text.add("  deletionTimestamp: \(quoted(time))") }
        if !self.podCIDRs.isEmpty || !self.taints.isEmpty { text.add("spec:") }
        text.list("taints", self.taints.map { "{key: \(quoted($0)), effect: NoSchedule}" }, indent: 2)
        if let first = self.podCIDRs.first {
            text.add("  podCIDR: \(quoted(first))")
            text.list("podCIDRs", self.podCIDRs.map(quoted), indent: 2)
        }
        text.add("status:")
        text.add("  addresses:")
        for address in self.internalIPs { text.add("    - {type: InternalIP, address: \(quoted(address))}") }
        text.add("    - {type: Hostname, address: \(quoted(self.name))}")
        return text.text
    }
}

/// A ServiceCIDR.
package struct ServiceCIDRManifest: Manifest {
    package var name: String
    package var cidrs: [CIDR]

    package init(_ name: String, cidrs: [CIDR]) {
        self.name = name
        self.cidrs = cidrs
    }

    package var yaml: String {
        var text = Lines()
        text.add("apiVersion: networking.k8s.io/v1")
        text.add("kind: ServiceCIDR")
        text.metadata(name: self.name, labels: [:], annotations: [:])
        text.add("spec:")
        text.list("cidrs", self.cidrs.map(quoted), indent: 2)
        return text.text
    }
}
