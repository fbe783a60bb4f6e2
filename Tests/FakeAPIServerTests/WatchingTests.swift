import FakeAPIServer
import KubernetesAPI
import KubernetesWire
import Linux
import Networking
import Testing

/// Watches, as docs "Kubernetes API Concepts", KEP-3157 and the API server's cacher have them.
@Suite struct WatchingTests {
    private static let services = "/api/v1/services?watch=true"
    private static let initialEvents = "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"

    /// What a watch says while something happens.
    private static func watch(
        _ server: FakeAPIServer,
        _ path: String,
        version: String = "--http2",
        _ change: () async throws -> Void = {}
    ) async throws -> Curl.Answer {
        let running = try Curl(server: server, version: version).start(path)
        try await server.waitForWatches(1)
        try await change()
        try await server.endWatches()
        return try running.answer()
    }

    @Test(arguments: ["--http2", "--http1.1"])
    func changesFollowAVersion(version: String) async throws {
        try await withServer { server in
            try await server.apply(json: service("a"), to: .services)
            try await server.apply(json: service("b"), to: .services)
            let answer = try await Self.watch(server, Self.services + "&resourceVersion=1001", version: version) {
                try await server.apply(json: service("a"), to: .services)
                try await server.delete(.services, namespace: "shop", name: "b")
                try await server.apply(
                    .serviceCIDR(ServiceCIDR(metadata: ObjectMeta(name: ObjectName(namespace: "", name: "x")))))
            }
            #expect(answer.exitCode == .exited(0))
            #expect(answer.headers.contains("content-type: application/json"))
            // The deletion has the object as it was, with the version of the deletion.
            #expect(events(answer.body) == ["ADDED b 1002", "MODIFIED a 1003", "DELETED b 1004"])
            #expect(
                answer.body.hasPrefix(#"{"type":"ADDED","object":{"kind":"Service","apiVersion":"v1","metadata":{"#))
        }
    }

    @Test(arguments: ["", "&resourceVersion=0"])
    func aWatchFromNowBeginsWithWhatThereIs(query: String) async throws {
        try await withServer { server in
            try await server.apply(json: service("b"), to: .services)
            try await server.apply(json: service("a"), to: .services)
            let answer = try await Self.watch(server, Self.services + query)
            #expect(events(answer.body) == ["ADDED a 1002", "ADDED b 1001"])
        }
    }

    @Test func initialEventsEndWithABookmark() async throws {
        try await withServer { server in
            try await server.apply(json: service("a"), to: .services)
            try await server.apply(json: service("b"), to: .services)
            let path = Self.services + "&allowWatchBookmarks=true" + Self.initialEvents
            let answer = try await Self.watch(server, path) {
                try await server.sendBookmarks()
                try await server.apply(json: service("c"), to: .services)
            }
            #expect(
                events(answer.body) == [
                    "ADDED a 1001", "ADDED b 1002", "BOOKMARK - 1002", "BOOKMARK - 1002", "ADDED c 1003",
                ])
            let lines = answer.body.split(separator: "\n")
            #expect(lines[2].contains(#""annotations":{"k8s.io/initial-events-end":"true"}"#))
            #expect(lines[2].contains(#""kind":"Service""#))
            #expect(!lines[3].contains("annotations"))
        }
    }

    @Test func bookmarksComeByThemselvesToThoseWhoWantThem() async throws {
        var configuration = FakeAPIServerConfiguration()
        configuration.bookmarkInterval = .milliseconds(20)
        try await withServer(configuration) { server in
            let wanted = try await Self.watch(server, Self.services + "&allowWatchBookmarks=true&resourceVersion=1000")
            {
                try await Task.sleep(for: .milliseconds(300))
            }
            #expect(events(wanted.body).first == "BOOKMARK - 1000")
            let unwanted = try await Self.watch(server, Self.services + "&resourceVersion=1000") {
                try await Task.sleep(for: .milliseconds(100))
            }
            #expect(unwanted.body.isEmpty)
        }
    }

    @Test func initialEventsCanBeUnknown() async throws {
        var configuration = FakeAPIServerConfiguration()
        configuration.watchList = .refused
        try await withServer(configuration) { server in
            let curl = Curl(server: server)
            let path = Self.services + "&allowWatchBookmarks=true" + Self.initialEvents
            let refused = try curl.request(path)
            #expect(refused.code == 422)
            #expect(
                refused.body.contains(
                    "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"))
            try await server.configure { $0.watchList = .supported }
            let incomplete = try curl.request(Self.services + "&sendInitialEvents=true")
            #expect(incomplete.code == 422)
            #expect(incomplete.body.contains("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"))
            try await server.configure { $0.watchList = .ignored }
            try await server.apply(json: service("a"), to: .services)
            let ignored = try await Self.watch(server, path + "&resourceVersion=1000")
            #expect(events(ignored.body) == ["ADDED a 1001"])
        }
    }

    /// What stops to match is deleted, as it was, for whom the selector is of; what begins to is added.
    @Test func selectorsMakeObjectsComeAndGo() async throws {
        let path =
            Self.services + "&resourceVersion=1000&labelSelector=%21service.kubernetes.io%2Fservice-proxy-name"
            + "&fieldSelector=spec.clusterIP%21%3DNone"
        try await withServer { server in
            let answer = try await Self.watch(server, path) {
                try await server.apply(json: service("a"), to: .services)
                try await server.apply(
                    json: service("a", labels: ["service.kubernetes.io/service-proxy-name": ""]), to: .services)
                try await server.apply(
                    json: service("a", labels: ["service.kubernetes.io/service-proxy-name": "x"]), to: .services)
                try await server.apply(json: service("a"), to: .services)
                try await server.apply(json: service("a", clusterIP: "None"), to: .services)
                try await server.delete(.services, namespace: "shop", name: "a")
            }
            #expect(events(answer.body) == ["ADDED a 1001", "DELETED a 1002", "ADDED a 1004", "DELETED a 1005"])
            #expect(!answer.body.contains("service-proxy-name"))
        }
    }

    @Test func oneNamespaceIsWatchedAlone() async throws {
        try await withServer { server in
            let answer = try await Self.watch(server, "/api/v1/namespaces/bench/services?watch=1&resourceVersion=1000")
            {
                try await server.apply(json: service("a"), to: .services)
                try await server.generate(GeneratedCluster(services: 1, endpoints: 1))
            }
            #expect(events(answer.body) == ["ADDED service-0 1002"])
        }
    }

    @Test func forgottenHistoryIsAnErrorEvent() async throws {
        try await withServer { server in
            try await server.apply(json: service("a"), to: .services)
            try await server.compact()
            let answer = try Curl(server: server).request(Self.services + "&resourceVersion=1000")
            #expect(answer.code == 200)
            #expect(
                answer.body
                    == #"{"type":"ERROR","object":{"apiVersion":"v1","kind":"Status","metadata":{},"status":"Failure","#
                    + #""message":"too old resource version: 1000 (1001)","reason":"Expired","code":410}}"# + "\n"
            )
        }
    }

    @Test func aStormOfExpiryHasAnEnd() async throws {
        try await withServer { server in
            try await server.setFaults {
                $0.expiredWatches = 2
                $0.expiry = .status
            }
            let curl = Curl(server: server)
            for _ in 0..<2 { #expect(try curl.request(Self.services + "&resourceVersion=1000").code == 410) }
            #expect(try await Self.watch(server, Self.services + "&resourceVersion=1000").code == 200)
            #expect(try await server.counts()["watch", .services] == 3)
        }
    }

    @Test func aWatchEndsAfterItsTime() async throws {
        try await withServer { server in
            let answer = try Curl(server: server).request(Self.services + "&resourceVersion=1000&timeoutSeconds=1")
            #expect(answer.code == 200 && answer.body.isEmpty && answer.exitCode == .exited(0))
            #expect(try await server.counts().openWatches == 0)
        }
    }

    /// The cacher of a real API server says nothing either.
    @Test func aWatchFromTheFutureIsSilentUnlessToldOtherwise() async throws {
        try await withServer { server in
            let silent = try await Self.watch(server, Self.services + "&resourceVersion=9000")
            #expect(silent.code == 200 && silent.body.isEmpty)
            try await server.configure { $0.futureWatch = .refused }
            #expect(try Curl(server: server).request(Self.services + "&resourceVersion=9000").code == 504)
        }
    }

    @Test(arguments: ["--http2", "--http1.1"])
    func protobufFramesAreRead(version: String) async throws {
        try await withServer { server in
            try await server.generate(GeneratedCluster(services: 50, endpoints: 3))
            try await server.setFaults { $0.chunkSize = 7 }
            let path = "/apis/discovery.k8s.io/v1/endpointslices?watch=1&timeoutSeconds=1&allowWatchBookmarks=true"
            let bytes = try Curl(server: server, version: version, accept: "application/vnd.kubernetes.protobuf")
                .bytes(path + Self.initialEvents)
            var decoder = WatchDecoder(kind: .endpointSlice, format: .protobuf)
            decoder.append(bytes)
            for _ in 0..<50 {
                guard case .added? = try decoder.next() else { return #expect(Bool(false)) }
            }
            #expect(try decoder.next() == .bookmark(resourceVersion: "1100", isInitialEventsEnd: true))
            #expect(try decoder.next() == nil)
            #expect(decoder.isBetweenEvents)
        }
    }
}
