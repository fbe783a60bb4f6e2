import Lab
import Networking
import Testing

extension EndToEnd {
    /// Whose address the endpoint sees: every frontend, client and way to tell pods from others.
    @Suite struct MasqueradeTests {
        /// What a client is to the node.
        private enum Place {
            case pod, host, outside
        }

        /// A way to tell pods, and which of the lab's pods are pods by it. The client never is one.
        struct Detection: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let options: [String]
            var clusterCIDR: String?
            /// Names of pods that count as such; nil where nobody can be told.
            let pods: Set<String>?
            var masqueradesAll = false
            var bridge = false
        }

        static let detections = [
            Detection(
                testDescription: "ClusterCIDR", options: ["--detect-local-mode", "ClusterCIDR"],
                clusterCIDR: Lab.clusterCIDR, pods: ["pod-1", "pod-2", "pod-3"]),
            // Of pod-1 and pod-2, but not of pod-3.
            Detection(
                testDescription: "a narrow ClusterCIDR", options: [],
                clusterCIDR: "10.244.1.2/31,fd00:10:244:1::2/127", pods: ["pod-1", "pod-2"]),
            Detection(
                testDescription: "NodeCIDR", options: ["--detect-local-mode", "NodeCIDR"], pods: ["pod-1", "pod-2"]),
            Detection(
                testDescription: "BridgeInterface",
                options: ["--detect-local-mode", "BridgeInterface", "--pod-bridge-interface", "cbr0"],
                pods: ["pod-1", "pod-2"], bridge: true),
            Detection(
                testDescription: "InterfaceNamePrefix",
                options: ["--detect-local-mode", "InterfaceNamePrefix", "--pod-interface-name-prefix", "po"],
                pods: ["pod-1", "pod-2", "pod-3"]),
            Detection(
                testDescription: "InterfaceNamePrefix, of one pod",
                options: ["--detect-local-mode", "InterfaceNamePrefix", "--pod-interface-name-prefix", "pod-1"],
                pods: ["pod-1"]),
            Detection(testDescription: "none", options: [], pods: nil),
            Detection(
                testDescription: "masquerade-all", options: ["--masquerade-all"], clusterCIDR: Lab.clusterCIDR,
                pods: ["pod-1", "pod-2", "pod-3"], masqueradesAll: true),
            Detection(
                testDescription: "masquerade-all and none", options: ["--masquerade-all"], pods: nil,
                masqueradesAll: true),
        ]

        /// The interface that BridgeInterface asks for; pod-1 and pod-2 are behind it, pod-3 is not.
        private static let bridge = """
            set -e
            ip link add cbr0 type bridge
            ip link set cbr0 up
            ip address add 10.244.1.1/32 dev cbr0
            ip address add fd00:10:244:1::1/128 dev cbr0 nodad
            for pod in 1 2; do
                ip address flush dev pod-$pod
                ip link set pod-$pod master cbr0
                # With br_netfilter the bridge itself takes translated packets back to where they came from.
                ip link set pod-$pod type bridge_slave hairpin on
                ip route replace 10.244.1.$((pod + 1))/32 dev cbr0 src 10.244.1.1
                ip -6 route del fd00:10:244:1::$((pod + 1))/128
                ip -6 route add fd00:10:244:1::$((pod + 1))/128 dev cbr0 src fd00:10:244:1::1
            done
            """

        private static func scene(_ detection: Detection) throws -> Scene {
            // For NodeCIDR: pod-1 and pod-2, not pod-3. Without them there is nothing to start with.
            let blocks = ["10.244.1.2/31", "fd00:10:244:1::2/127"].compactMap { CIDR($0) }
            let scene = try Scene(
                clusterCIDR: detection.clusterCIDR, objects: [NodeManifest(Scene.here, podCIDRs: blocks)],
                detection.options)
            if detection.bridge {
                try scene.node.shell(Self.bridge)
                for pod in scene.pods[..<2] {
                    // The gateway's address has moved to an interface with another hardware address.
                    try pod.shell("ip neighbour flush dev eth0")
                    // Pods on one link could speak directly, but then nobody would translate the answers.
                    try pod.setKernelParameters([
                        ("net/ipv6/conf/all/accept_redirects", "0"), ("net/ipv6/conf/eth0/accept_redirects", "0"),
                    ])
                }
            }
            return scene
        }

        /// Whether the endpoint sees the node in place of the client, by the words of the specification.
        private static func isMasqueraded(
            _ place: Place, isClusterIP: Bool, isLocal: Bool, isItself: Bool, _ detection: Detection
        ) -> Bool {
            if isItself { return true }
            guard isClusterIP else { return !isLocal || place == .host }
            if detection.masqueradesAll { return true }
            return detection.pods != nil && place != .pod
        }

        @Test(arguments: Self.detections)
        func `1.5 whom the endpoint sees, for every frontend, client and policy`(detection: Detection) throws {
            let scene = try Self.scene(detection)
            defer { scene.tearDown() }
            for (number, isLocal) in [(UInt8(20), false), (21, true)] {
                var web = Application.everywhere("web-\(number)", number: number)
                web.externalPolicy = isLocal ? "Local" : "Cluster"
                // It is about who answers, not about whom that one sees.
                web.internalPolicy = isLocal ? "Local" : "Cluster"
                try scene.put(web.name, web.manifests(of: [.here(scene.pods[1])]))
                for host in scene.vantagePoints + [scene.pods[1], scene.pods[2]] {
                    for family in AddressFamily.allCases {
                        let place: Place =
                            host === scene.node
                            ? .host : detection.pods?.contains(host.name) ?? false ? .pod : .outside
                        for frontend in web.frontends(family, on: scene.node) {
                            let isMasqueraded = Self.isMasqueraded(
                                place, isClusterIP: frontend == web.clusterIP(family), isLocal: isLocal,
                                isItself: host === scene.pods[1], detection)
                            try expectAnswered([host], frontend, by: [scene.pods[1]]) {
                                isMasqueraded ? scene.lab.podGateway(family) : $0.address(family)
                            }
                        }
                    }
                }
            }
        }

        /// Who is a pod decides as well who is served by endpoints elsewhere under a Local policy.
        @Test(arguments: Self.detections)
        func `1.5 pods by this detection, and the host, reach all endpoints of a Local policy`(
            detection: Detection
        ) throws {
            let scene = try Self.scene(detection)
            defer { scene.tearDown() }
            var web = Application.everywhere()
            web.externalPolicy = "Local"
            try scene.put("web", web.manifests(of: [.elsewhere(scene.pods[1])]))
            for family in AddressFamily.allCases {
                let frontends = web.externalFrontends(family, on: scene.node)
                let outside = [scene.client] + scene.pods.filter { !(detection.pods?.contains($0.name) ?? false) }
                try expectDropped(outside, frontends)
                // pod-2 cannot be elsewhere and here.
                let others = [scene.node, scene.pods[0], scene.pods[2]]
                for host in others where !outside.contains(where: { $0 === host }) {
                    for frontend in frontends {
                        try expectAnswered([host], frontend, by: [scene.pods[1]]) {
                            $0 === scene.node ? scene.lab.podGateway(family) : $0.address(family)
                        }
                    }
                }
            }
        }

        /// A cluster of one family tells its pods in that one.
        @Test func `1.5 a family without a block masquerades nothing to a ClusterIP`() throws {
            let scene = try Scene(clusterCIDR: "10.244.0.0/16")
            defer { scene.tearDown() }
            let web = Application.everywhere(on: [scene.pods[1]])
            try scene.put(web)
            try expectAnswered([scene.client, scene.node], web.clusterIP(.ipv4)) { _ in scene.lab.podGateway(.ipv4) }
            try expectAnswered([scene.client, scene.node, scene.pods[0]], web.clusterIP(.ipv6)) { $0.ipv6 }
        }
    }
}
