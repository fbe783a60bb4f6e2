import Lab
import Networking
import Testing

extension EndToEnd {
    /// From the rename of a file to the packet that shows it. Prints what it measures.
    @Suite struct LatencyTests {
        @Test(arguments: AddressFamily.allCases)
        func `every change is in force in the end`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application(on: [scene.pods[1]])
            let target = web.clusterIP(family)
            try scene.put("web", [web.service])
            var answered: [Duration] = []
            var refused: [Duration] = []
            try scene.client.run {
                for _ in 0..<10 {
                    var start = ContinuousClock.now
                    try scene.folder.write("web.yaml", web.manifests)
                    answered.append(
                        try expectSoon("answered", since: start) {
                            try Probe.tcp(to: target.address, port: target.port).isAnswered
                        })
                    start = ContinuousClock.now
                    try scene.folder.write("web.yaml", [web.service])
                    refused.append(
                        try expectSoon("refused", since: start) {
                            try Probe.tcp(to: target.address, port: target.port).isRefused
                        })
                }
            }
            for (what, durations) in [("answered", answered.sorted()), ("refused", refused.sorted())] {
                print("\(family): rename to first \(what): median \(durations[5]), slowest \(durations[9])")
            }
        }
    }
}
