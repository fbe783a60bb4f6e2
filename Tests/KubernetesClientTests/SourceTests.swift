import ClusterState
import FakeAPIServer
import KubernetesAPI
import KubernetesClient
import KubernetesWire
import Networking
import TestSupport
import Testing

/// The source against a server that does what the API conventions say, over real TLS.
@Suite struct SourceTests {
    @Test(arguments: [WireFormat.protobuf, .json], [true, false])
    func itListsAndFollows(format: WireFormat, isHTTP2: Bool) async throws {
        var setting = Cluster.Setting()
        setting.format = format
        setting.server.offersHTTP2 = isHTTP2
        try await Cluster.with(setting) { cluster in
            try await cluster.settle()
            #expect(cluster.names(.service) == ["default/web"])
            try await cluster.server.apply(.endpointSlice(.web("web-1", 1, 2)), .service(.web("other", 11)))
            try await cluster.settle("after additions")
            #expect(cluster.names(.endpointSlice) == ["default/web-1"])
            try await cluster.server.delete(Resource.services, namespace: "default", name: "web")
            try await cluster.settle("after a deletion")
            #expect(cluster.names(.service) == ["default/other"])
            #expect(cluster.service("other")?.clusterIPs == [IPAddress(10, 96, 0, 11)])
        }
    }

    /// What a node costs the API server: a list and a watch of each of four kinds, and one connection that stays; no
    /// request for a change.
    @Test func whatANodeAsksFor() async throws {
        try await Cluster.with { cluster in
            try await cluster.settle()
            try await eventually("all watches") {
                let counts = try await cluster.server.counts()
                return counts.total == 8 && counts.openWatches == 4
            }
            let start = try await cluster.server.counts()
            #expect(start.total == 8)
            #expect(start.connections <= 5)
            try await eventually("one connection") { try await cluster.server.counts().openConnections == 1 }
            for number in 1...20 { try await cluster.server.apply(.endpointSlice(.web("web-1", UInt8(number)))) }
            try await cluster.settle("after changes")
            let end = try await cluster.server.counts()
            #expect(end.total == 8, "a change asks for nothing")
            #expect(end.openConnections == 1)
            // Nor does the end of a watch cost more than the next one.
            try await cluster.server.endWatches()
            try await eventually("new watches") { try await cluster.server.counts().openWatches == 4 }
            #expect(try await cluster.server.counts().total == 12)
        }
    }

    /// Selectors: what another proxy serves, and headless Services, never come; labels that come later take away.
    @Test func whatIsNotForThisNodeNeverComes() async throws {
        try await Cluster.with { cluster in
            try await cluster.settle()
            let labelled = #"""
                {"metadata": {"name": "foreign", "namespace": "default",
                 "labels": {"service.kubernetes.io/service-proxy-name": ""}}, "spec": {"clusterIP": "10.96.0.20"}}
                """#
            let headless = #"""
                {"metadata": {"name": "headless", "namespace": "default"}, "spec": {"clusterIP": "None"}}
                """#
            try await cluster.server.apply(json: labelled, to: .services)
            try await cluster.server.apply(json: headless, to: .services)
            try await cluster.server.apply(.service(.web("last", 30)))
            try await eventually("the last one") { cluster.names(.service).contains("default/last") }
            #expect(cluster.names(.service) == ["default/last", "default/web"])
            try await cluster.server.apply(
                json: #"""
                    {"metadata": {"name": "web", "namespace": "default",
                     "labels": {"service.kubernetes.io/service-proxy-name": "x"}}, "spec": {"clusterIP": "10.96.0.10"}}
                    """#, to: .services)
            try await eventually("the label takes it away") { cluster.names(.service) == ["default/last"] }
        }
    }

    @Test(arguments: [FakeAPIServerConfiguration.WatchList.refused, .ignored])
    func anOldServer(watchList: FakeAPIServerConfiguration.WatchList) async throws {
        var setting = Cluster.Setting()
        setting.server.watchList = watchList
        setting.limits.answerTimeout = .seconds(2)
        setting.limits.pageSize = 3
        try await Cluster.with(
            setting,
            prepare: { server in
                for number in 1...10 { try await server.apply(.service(.web("web-\(number)", UInt8(number)))) }
            },
            { cluster in
                try await cluster.settle()
                #expect(cluster.names(.service).count == 10)
                try await cluster.server.apply(.service(.web("more", 200)))
                try await cluster.settle("after a change")
            })
    }

    /// Kinds that the data plane can do without are not waited for, and what is missing is said as a rule.
    @Test func aKindThatIsForbidden() async throws {
        var setting = Cluster.Setting()
        setting.server.forbidden = [.init(resource: .serviceCIDRs)]
        try await Cluster.with(setting) { cluster in
            try await eventually("synced") { cluster.isSynced }
            try await eventually("it is said") { !cluster.log.lines(with: "objects cannot be followed").isEmpty }
            let lines = cluster.log.lines(with: "objects cannot be followed")
            #expect(lines.count == 1)
            #expect(
                lines.first?.contains(
                    #"apiGroups: ["networking.k8s.io"], resources: ["servicecidrs"], verbs: ["list", "watch"]"#) == true
            )
        }
    }

    @Test func nothingIsSyncedWithoutEndpointSlices() async throws {
        var setting = Cluster.Setting()
        setting.server.forbidden = [.init(resource: .endpointSlices)]
        try await Cluster.with(setting) { cluster in
            try await eventually("the Services") { cluster.names(.service).count == 1 }
            try await eventually("it is said") { !cluster.log.lines(with: "EndpointSlice").isEmpty }
            #expect(!cluster.isSynced)
            // Once it is allowed everything goes on by itself.
            try await cluster.server.configure { $0.forbidden = [] }
            try await cluster.settle("once it is allowed", within: .seconds(60))
        }
    }

    /// The unusable part of an object is left out and said; the rest counts.
    @Test func anObjectThatIsNotAllUsable() async throws {
        try await Cluster.with { cluster in
            try await cluster.settle()
            try await cluster.server.apply(
                json: #"""
                    {"metadata": {"name": "odd", "namespace": "default"}, "spec": {"clusterIP": "10.96.0.40",
                     "externalIPs": ["nonsense", "192.0.2.1"], "type": "FromTheFuture",
                     "ports": [{"port": 80, "protocol": "QUIC2"}, {"port": 81, "name": "b"}]}}
                    """#, to: .services)
            try await eventually("it comes") { cluster.service("odd") != nil }
            #expect(cluster.service("odd")?.ports.map(\.port) == [81])
            #expect(cluster.service("odd")?.externalIPs == [IPAddress(192, 0, 2, 1)])
            #expect(!cluster.log.lines(with: "Service default/odd").isEmpty)
        }
    }
}
