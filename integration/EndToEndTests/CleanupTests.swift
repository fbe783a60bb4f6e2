import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// `fairlead cleanup`, and that there is one Fairlead in a namespace.
    @Suite struct CleanupTests {
        @Test func `removes everything, once nothing runs`() throws {
            let scene = try Scene(pods: 2)
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put(web)
            let fairlead = try FairleadProcess.locate()

            let refused = try scene.node.execute([fairlead, "cleanup"])
            #expect(refused.status == .exited(1))
            #expect(refused.errorOutput.contains("process \(scene.fairlead.process.pid) "), "\(refused.errorOutput)")
            try expectAnswered(scene.vantagePoints, web.clusterIP(.ipv4))

            scene.fairlead.terminate()
            let done = try scene.node.execute([fairlead, "cleanup"])
            #expect(done.status == .exited(0), "\(done.errorOutput)")
            try expectUnserved(scene.vantagePoints, web.clusterIP(.ipv4))
            #expect(try scene.node.shell("nft list ruleset") == "")

            let again = try scene.node.execute([fairlead, "cleanup"])
            #expect(again.status == .exited(0))
            #expect(again.output.contains("nothing to remove"), "\(again.output)")
        }

        @Test func `a second one in the same namespace names the first`() throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            let second = try FairleadProcess(nodeOn: scene.node, manifests: scene.folder)
            #expect(second.process.waitForExit(timeout: .seconds(5)) == .exited(1))
            #expect(second.log.contains { $0.contains("process \(scene.fairlead.process.pid) ") }, "\(second.log)")
            #expect(scene.fairlead.process.isRunning)
            // The name goes with its holder, however that ended.
            scene.fairlead.kill9()
            try scene.start()
        }

        @Test func `one in another namespace is nobody's business`() throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            let other = try FairleadProcess(nodeOn: scene.client, manifests: scene.folder)
            defer { _ = other.terminate() }
            #expect(other.waitForLog(containing: "in force: ") != nil, "\(other.log)")
            #expect(scene.fairlead.process.isRunning)
        }
    }
}
