import Lab
import Networking
import Testing

extension EndToEnd {
    /// Changes while clients come and go, and many at once.
    @Suite struct ChangeTests {
        /// All servers go on serving, so whoever is chosen answers: what fails is Fairlead's doing.
        @Test(arguments: AddressFamily.allCases)
        func `no connection fails while endpoints and other Services change`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put(web)
            let target = web.clusterIP(family)
            let load = try LoadGenerator(from: scene.pods[0], to: target.address, port: target.port, rate: 1000)
            for round in 0..<20 {
                let count = round % 3 + 1
                try scene.put(Application(on: Array(scene.pods.prefix(count))))
                try scene.put(Application("other", number: 11, on: Array(scene.pods.suffix(count))))
                pause(.milliseconds(50))
                if round % 4 == 3 { try scene.remove("other") }
            }
            let report = load.stop()
            print("changes under load, \(family): \(report.started) connections, slowest \(report.slowest)")
            #expect(report.failed == 0 && report.skipped == 0, "\(report)")
            #expect(report.answered == report.started && report.started >= 1000, "\(report)")
            #expect(Set(report.answeredBy.keys) == ["pod-1", "pod-2", "pod-3"], "\(report)")
        }

        @Test func `five thousand Services in one file answer, and go`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put(web)
            let connection = try scene.client.converse(with: web.clusterIP(.ipv4))
            func address(_ index: Int) -> IPAddress { IPAddress(10, 100, UInt8(index / 250), UInt8(index % 250)) }
            let many = (0..<5000).flatMap { index -> [any Manifest] in
                [
                    ServiceManifest("many-\(index)", clusterIPs: [address(index)], ports: [.init(80)]),
                    EndpointSliceManifest(
                        of: "many-\(index)", family: .ipv4, endpoints: scene.pods.map { .init($0.ipv4) },
                        ports: [.init(Scene.targetPort)]),
                ]
            }
            let start = ContinuousClock.now
            try scene.folder.write("many.yaml", many)
            let duration = try expectSoon("the last one answers", within: .seconds(30), since: start) {
                try scene.client.tcp(to: address(4999), port: 80, timeout: .milliseconds(20)).isAnswered
            }
            print("5,000 Services: the last one answered \(duration) after the file was written")
            let silent = try scene.client.run {
                try stride(from: 0, to: 5000, by: 7).filter { try !Probe.tcp(to: address($0), port: 80).isAnswered }
            }
            #expect(silent.isEmpty)
            try expectAnswered(scene.vantagePoints, web.clusterIP(.ipv6))
            try scene.folder.remove("many.yaml")
            try scene.settle()
            try expectUnserved([scene.client], SocketAddress(address(0), 80), over: [.tcp])
            try expectAnswered(scene.vantagePoints, web.clusterIP(.ipv4))
            #expect(connection.isAlive())
        }

        /// A table has room for 16,384 frontends at first. One with more is made anew, whole, in place of the old.
        @Test func `no connection fails while the table is made anew with more room`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put(web)
            let target = web.clusterIP(.ipv4)
            let connections = try scene.vantagePoints.map { try $0.converse(with: target) }
            let load = try LoadGenerator(from: scene.client, to: target.address, port: target.port, rate: 500)
            let many = (0..<170).map { index in
                ServiceManifest(
                    "many-\(index)", clusterIPs: [IPAddress(10, 101, 0, UInt8(index))],
                    ports: (1...100).map { .init($0, name: "port-\($0)") })
            }
            try scene.folder.write("many.yaml", many)
            let line = scene.fairlead.waitForLog(containing: "table made anew with more room", timeout: .seconds(20))
            #expect(line != nil)
            pause(.milliseconds(300))
            let report = load.stop()
            print("a table made anew under load: \(report.started) connections, slowest \(report.slowest)")
            #expect(report.failed == 0 && report.skipped == 0 && report.answered == report.started, "\(report)")
            for connection in connections { #expect(connection.isAlive()) }
            let last = SocketAddress(IPAddress(10, 101, 0, 169), 100)
            try expectRefused(scene.vantagePoints, last, over: [.tcp])
            try expectRefused([scene.client], last.port(101), over: [.tcp])
        }
    }
}
