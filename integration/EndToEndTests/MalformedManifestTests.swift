import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// Files that no careful operator writes.
    @Suite struct MalformedManifestTests {
        /// Values of types and sizes that belong nowhere.
        private static let strangers = [
            "[]", "{}", "null", "-1", "65536", "99999999999999999999", "1e400", ".nan", "true", "\"\"", "&a [*a]",
            "!!binary AAAA", "\"\\u0000\"", "[[[[[[[[]]]]]]]]", "2024-01-01", "0x50", "~",
        ]

        private static func damaged(_ yaml: String, _ generator: inout SeededGenerator) -> [UInt8] {
            var bytes = Array(yaml.utf8)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0:
                bytes.removeLast(Int.random(in: 1..<bytes.count, using: &generator))
            case 1:
                for _ in 0..<Int.random(in: 1...8, using: &generator) {
                    let index = Int.random(in: bytes.indices, using: &generator)
                    bytes[index] = UInt8.random(in: 0...255, using: &generator)
                }
            case 2:
                var lines = yaml.split(separator: "\n").map(String.init)
                let index = Int.random(in: lines.indices, using: &generator)
                let key = lines[index].prefix { $0 != ":" }
                lines[index] = "\(key): \(Self.strangers.randomElement(using: &generator) ?? "")"
                bytes = Array(lines.joined(separator: "\n").utf8)
            default:
                let from = Int.random(in: bytes.indices, using: &generator)
                let chunk = bytes[from..<min(bytes.count, from + 40)]
                bytes.insert(contentsOf: chunk, at: Int.random(in: bytes.indices, using: &generator))
            }
            return bytes
        }

        /// Victims live at other addresses than the good Services, which are older than any of them, so
        /// no damage can take a frontend away from a good one by right.
        private static func victim(_ index: Int, on pods: [Host]) -> String {
            var victim = Application("victim-\(index)", number: UInt8(100 + index % 100), on: pods)
            victim.nodePort = UInt16(31000 + index)
            victim.hasExternalIPs = true
            victim.creationTimestamp = "2026-01-01T00:00:00Z"
            return victim.manifests.map(\.yaml).joined(separator: "---\n")
        }

        @Test func `a thousand of them do no harm to the good ones`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            var web = Application(on: scene.pods)
            web.creationTimestamp = "2020-01-01T00:00:00Z"
            try scene.put(web)
            let connection = try scene.client.converse(with: web.clusterIP(.ipv4))
            // The same damage in every run.
            var generator = SeededGenerator(seed: 0x6661_6972_6c65_6164)
            for index in 0..<1000 {
                let bytes = Self.damaged(Self.victim(index, on: scene.pods), &generator)
                try scene.folder.write("victim-\(index).yaml", bytes)
            }
            try scene.settle()
            let complaints = scene.fairlead.log.count { $0.contains("manifest error") }
            print("a thousand malformed manifests: \(complaints) complaints")
            #expect(complaints > 300)
            #expect(scene.fairlead.process.isRunning)
            #expect(!scene.fairlead.log.contains { $0.contains("programming failed") })
            #expect(connection.isAlive())
            for family in AddressFamily.allCases {
                try expectAnswered(scene.vantagePoints, web.clusterIP(family), by: scene.pods)
            }
            // A good one next to them, and a start with all of them there.
            try scene.put(Application("after", number: 11, on: scene.pods))
            try expectAnswered(scene.vantagePoints, .clusterIP(11, .ipv4), by: scene.pods)
            scene.fairlead.kill9()
            try scene.start()
            for family in AddressFamily.allCases {
                try expectAnswered(scene.vantagePoints, web.clusterIP(family), by: scene.pods)
            }
            #expect(connection.isAlive())
        }
    }
}
