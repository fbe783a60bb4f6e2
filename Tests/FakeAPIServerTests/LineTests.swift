import FakeAPIServer
import KubernetesAPI
import Linux
import Networking
import Testing

/// The server by lines of text.
@Suite struct LineTests {
    @Test func linesDoWhatTheySay() async throws {
        let manifest = try Descriptor.memoryFile("web.yaml", service("web").utf8)
        try await withServer { server in
            let start = MonotonicClock.nanoseconds()
            let applied = await server.obey("apply \(manifest.pathForChildren)")
            let words = applied.text.split(separator: " ")
            #expect(words.first == "ok" && words.last == "objects" && words.count == 4)
            let time = try #require(words.dropFirst().first.flatMap { Int64($0) })
            #expect(time >= start && time <= MonotonicClock.nanoseconds())
            #expect(try await server.names(.services) == ["shop/web"])

            let generated = await server.obey(
                "generate services=3 endpoints=2 backend=10.1.0.1-10.1.0.4:9000 clusterip=10.97.0.1 port=81 namespace=load"
            )
            #expect(generated.text.hasPrefix("ok ") && generated.text.hasSuffix(" 3 services"))
            let slice = try await server.json(.endpointSlices, namespace: "load", name: "service-1-slice")
            #expect(slice?.contains(#""addresses":["10.1.0.3"]"#) == true && slice?.contains(#""port":9000"#) == true)
            let service = try await server.json(.services, namespace: "load", name: "service-2")
            #expect(service?.contains(#""clusterIP":"10.97.0.3""#) == true && service?.contains(#""port":81"#) == true)

            #expect(await server.obey("patch-endpoint load/service-1-slice 1 10.9.9.9").text.hasPrefix("ok "))
            let patched = try await server.json(.endpointSlices, namespace: "load", name: "service-1-slice")
            #expect(patched?.contains(#"["10.1.0.3"]"#) == true && patched?.contains(#"["10.9.9.9"]"#) == true)

            #expect(await server.obey("delete Service shop/web").text.hasPrefix("ok "))
            #expect(await server.obey("delete Service shop/web").text == "error services shop/web is not there")
            #expect(await server.obey("counts").text.contains("open-watches=0"))
            #expect(await server.obey("resource-version").text.hasSuffix(" 1009"))
        }
    }

    @Test func faultsAreSetByLines() async throws {
        try await withServer { server in
            let lines = [
                "fault expire 3 status", "fault cut", "fault malformed", "fault chunk 5", "fault slow 100",
                "fault freeze on",
                "fault fail 2 429 1",
            ]
            for line in lines { #expect(await server.obey(line).text.hasPrefix("ok ")) }
            var expected = Faults()
            expected.expiredWatches = 3
            expected.expiry = .status
            expected.cutsNextObject = true
            expected.spoilsNextEvent = true
            expected.chunkSize = 5
            expected.bytesPerSecond = 100
            expected.isFrozen = true
            expected.failures = [.init(code: 429, retryAfter: 1), .init(code: 429, retryAfter: 1)]
            let faults = try await server.faults()
            #expect(faults == expected)
            for line in [
                "fault none", "fault compact", "fault end-watches", "fault bookmarks", "fault disconnect",
                "fault restart 500", "fault watchlist refused", "token new", "reset-counts",
            ] {
                #expect(await server.obey(line).text.hasPrefix("ok "), "\(line)")
            }
            let cleared = try await server.faults()
            #expect(cleared == Faults())
            let version = try await server.resourceVersion()
            #expect(version == 500)
            #expect(await server.obey("stop").isLast)
        }
    }

    @Test(arguments: [
        "", "apply", "apply /nowhere.yaml", "delete Pod a", "generate services=x", "generate backend=1.2.3.4", "fault",
        "fault storm", "fault slow", "patch-endpoint a/b 0 1.2.3.4", "patch-endpoint a b c",
        "generate port=70000 services=1",
    ])
    func whatMeansNothingIsAnError(line: String) async throws {
        try await withServer { server in
            let answer = await server.obey(line)
            #expect(answer.text.hasPrefix("error ") && !answer.isLast)
        }
    }

    @Test func backendsGoAround() throws {
        let run = try #require(GeneratedCluster.AddressRun("10.0.0.254-10.0.1.1"))
        #expect(
            (0..<5).map { run[$0].description } == ["10.0.0.254", "10.0.0.255", "10.0.1.0", "10.0.1.1", "10.0.0.254"])
        #expect(GeneratedCluster.AddressRun("10.0.0.2-10.0.0.1") == nil)
        #expect(GeneratedCluster.AddressRun("10.0.0.2-fd00::1") == nil)
    }
}
