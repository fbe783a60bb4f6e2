import Lab
import Networking
import Testing

extension EndToEnd {
    /// Two Services that claim the same frontend.
    @Suite struct ConflictTests {
        private static func application(_ name: String, on pod: Host, bornIn year: Int) -> Application {
            var application = Application(name, number: 40, on: [pod])
            application.creationTimestamp = "\(year)-01-01T00:00:00Z"
            return application
        }

        @Test(arguments: [true, false])
        func `the older keeps it, the other takes over when it goes`(isOlderFirst: Bool) throws {
            let scene = try Scene(pods: 2)
            defer { scene.tearDown() }
            // By name the younger would be first.
            let older = Self.application("b-older", on: scene.pods[0], bornIn: 2024)
            let younger = Self.application("a-younger", on: scene.pods[1], bornIn: 2025)
            for application in isOlderFirst ? [older, younger] : [younger, older] { try scene.put(application) }
            for family in AddressFamily.allCases {
                let counts = try scene.client.tally(.tcp, older.clusterIP(family), attempts: 40)
                #expect(counts == ["pod-1": 40])
            }
            let lines = scene.fairlead.log.filter { $0.contains("a frontend is claimed twice") }
            // Two families, two protocols; each said once.
            #expect(lines.count == 4, "\(lines)")
            for line in lines {
                #expect(line.contains("holder=\"Service default/b-older\""), "\(line)")
                #expect(line.contains("object=\"Service default/a-younger\""), "\(line)")
            }
            try scene.remove("b-older")
            for family in AddressFamily.allCases {
                let counts = try scene.client.tally(.tcp, older.clusterIP(family), attempts: 40)
                #expect(counts == ["pod-2": 40])
            }
        }
    }
}
