import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// The rules outlive Fairlead, and a new one takes over without anybody noticing.
    @Suite struct RestartTests {
        private static let nothingWritten = "the kernel already held everything, nothing was written"

        @Test func `SIGTERM leaves the rules in force`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put(web)
            try scene.put(Application("empty", number: 20, on: []))
            #expect(scene.fairlead.terminate() == .exited(0))
            #expect(scene.fairlead.log.contains { $0.contains("the rules stay in force") })
            for family in AddressFamily.allCases {
                try expectAnswered(scene.vantagePoints, web.clusterIP(family))
                try expectRefused(scene.vantagePoints, .clusterIP(20, family))
            }
        }

        @Test func `SIGINT stops it as well`() throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            scene.fairlead.process.signal(2)
            #expect(scene.fairlead.process.waitForExit(timeout: .seconds(5)) == .exited(0))
        }

        @Test(arguments: AddressFamily.allCases)
        func `no connection fails while it is killed and restarted`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put(web)
            let target = web.clusterIP(family)
            let load = try LoadGenerator(from: scene.client, to: target.address, port: target.port, rate: 1000)
            for _ in 0..<4 {
                pause(.milliseconds(300))
                scene.fairlead.kill9()
                pause(.milliseconds(200))
                try scene.start()
                #expect(
                    scene.fairlead.log.contains { $0.contains(Self.nothingWritten) }, "\(scene.fairlead.log)")
            }
            pause(.milliseconds(500))
            let report = load.stop()
            print("restart under load, \(family): \(report.started) connections, slowest \(report.slowest)")
            #expect(report.failed == 0, "\(report)")
            #expect(report.answered == report.started, "\(report)")
            #expect(report.started + report.skipped >= 2400, "\(report)")
            #expect(report.skipped == 0, "\(report)")
        }

        @Test func `what changed while it was down is in force after the start`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put(web)
            try scene.put(Application("old", number: 11, on: scene.pods))
            let untouched = try scene.client.converse(with: web.clusterIP(.ipv4))
            scene.fairlead.kill9()
            try scene.folder.write("web.yaml", Application(on: [scene.pods[1]]).manifests)
            try scene.folder.write("new.yaml", Application("new", number: 12, on: [scene.pods[2]]).manifests)
            try scene.folder.remove("old.yaml")
            try scene.start()
            let log = scene.fairlead.log
            #expect(log.contains { $0.contains("in force: wrote the difference to what the kernel held") }, "\(log)")
            for family in AddressFamily.allCases {
                #expect(try scene.client.tally(.tcp, web.clusterIP(family), attempts: 40) == ["pod-2": 40])
                try expectAnswered(scene.vantagePoints, .clusterIP(12, family), by: [scene.pods[2]])
                try expectUnserved(scene.vantagePoints, .clusterIP(11, family))
            }
            #expect(untouched.isAlive())
        }

        @Test func `other options are in force after the restart`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application(on: [scene.pods[1]])
            try scene.put(web)
            try expectAnswered([scene.pods[0]], web.clusterIP(.ipv4)) { $0.ipv4 }
            scene.fairlead.terminate()
            let other = try FairleadProcess(
                nodeOn: scene.node, manifests: scene.folder, ["--masquerade-all"])
            defer { _ = other.terminate() }
            #expect(other.waitForLog(containing: "in force: ") != nil)
            let gateway = scene.lab.podGateway(.ipv4)
            try expectAnswered([scene.pods[0]], web.clusterIP(.ipv4)) { _ in gateway }
        }
    }
}
