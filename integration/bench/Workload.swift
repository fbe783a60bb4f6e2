import Lab
import Networking

/// How many Services, and how many endpoints each has.
struct Scale: Hashable, CustomStringConvertible {
    let services: Int
    let endpoints: Int
    var hasAffinity = false

    var description: String {
        "\(Table.grouped(self.services)) x \(Table.grouped(self.endpoints))\(self.hasAffinity ? ", ClientIP affinity" : "")"
    }
}

/// The objects of one scale, as manifests and as other programs would load them.
struct Workload {
    let scale: Scale

    /// EndpointSlices hold at most this many endpoints, as the cluster's controller makes them.
    static let endpointsPerSlice = 100

    private func clusterIP(_ service: Int) -> IPAddress { IPAddress(ipv4: 0x0a60_0000 + UInt32(service)) }

    private func endpoint(_ service: Int, _ index: Int) -> IPAddress {
        IPAddress(ipv4: 0x0a80_0000 + UInt32(service * self.scale.endpoints + index))
    }

    /// An endpoint that no Service has at first.
    private func spare(_ number: Int) -> IPAddress { IPAddress(ipv4: 0x0af0_0000 + UInt32(number)) }

    // MARK: - Manifests

    func write(to folder: ManifestFolder) throws {
        for service in 0..<self.scale.services {
            var objects: [any Manifest] = [self.service(service)]
            let first = min(self.scale.endpoints, Self.endpointsPerSlice)
            objects.append(self.slice(service, 0, (0..<first).map { self.endpoint(service, $0) }))
            try folder.write("svc-\(service).yaml", objects)
            var start = first
            while start < self.scale.endpoints {
                let end = min(start + Self.endpointsPerSlice, self.scale.endpoints)
                let number = start / Self.endpointsPerSlice
                try folder.write(
                    "svc-\(service)-\(number).yaml",
                    [self.slice(service, number, (start..<end).map { self.endpoint(service, $0) })])
                start = end
            }
        }
    }

    private func service(_ service: Int) -> ServiceManifest {
        var manifest = ServiceManifest(
            "svc-\(service)", clusterIPs: [self.clusterIP(service)], ports: [.init(80, targetPort: 8080)])
        if self.scale.hasAffinity { manifest.clientIPAffinity = 10_800 }
        return manifest
    }

    private func slice(_ service: Int, _ number: Int, _ addresses: [IPAddress]) -> EndpointSliceManifest {
        EndpointSliceManifest(
            of: "svc-\(service)", name: "svc-\(service)-\(number)", family: .ipv4,
            endpoints: addresses.map { EndpointSliceManifest.Endpoint($0, nodeName: "elsewhere") }, ports: [.init(8080)]
        )
    }

    /// One Service's file with one endpoint replaced; a different one each `turn`.
    func change(_ folder: ManifestFolder, service: Int, turn: Int) throws {
        let count = min(self.scale.endpoints, Self.endpointsPerSlice)
        var addresses = (0..<count).map { self.endpoint(service, $0) }
        // In turn: one more endpoint, one replaced, one less.
        switch turn % 3 {
        case 0: addresses.append(self.spare(turn))
        case 1: addresses[0] = self.spare(turn)
        default: addresses.removeFirst()
        }
        try folder.write("svc-\(service).yaml", [self.service(service), self.slice(service, 0, addresses)])
    }

    // MARK: - For nft

    /// The same Services in the layout of kube-proxy's nftables mode: a chain and an anonymous map for
    /// each. Sets that Fairlead also fills (ClusterIPs, hairpins) are left out here, in its favour.
    func perServiceLayout() -> String {
        var text = "table ip per-service {\n"
        for service in 0..<self.scale.services {
            let map = (0..<self.scale.endpoints)
                .map { "\($0) : \(self.endpoint(service, $0)) . 8080" }.joined(separator: ", ")
            text += "\tchain service-\(service) {\n"
            text +=
                "\t\tip daddr \(self.clusterIP(service)) tcp dport 80 ip saddr != 10.244.0.0/16 jump mark-for-masquerade\n"
            text += "\t\tmeta l4proto tcp dnat ip to numgen random mod \(self.scale.endpoints) map { \(map) }\n\t}\n"
        }
        text += "\tchain mark-for-masquerade {\n\t\tmeta mark set mark or 0x4000\n\t}\n"
        text += "\tmap service-ips {\n\t\ttype ipv4_addr . inet_proto . inet_service : verdict\n\t\telements = {\n"
        for service in 0..<self.scale.services {
            text += "\t\t\t\(self.clusterIP(service)) . tcp . 80 : goto service-\(service),\n"
        }
        text += "\t\t}\n\t}\n"
        for hook in ["prerouting", "output"] {
            text += "\tchain nat-\(hook) {\n\t\ttype nat hook \(hook) priority -100;\n"
            text += "\t\tip daddr . meta l4proto . th dport vmap @service-ips\n\t}\n"
        }
        return text + "}\n"
    }
}
