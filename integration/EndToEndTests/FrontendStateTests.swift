import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// `fairlead get frontends` and `get nodes` of a running Fairlead.
    @Suite struct FrontendStateTests {
        private static func get(_ scene: Scene, _ arguments: String...) throws -> [[Substring]] {
            let completion = try scene.node.execute(
                [try FairleadProcess.locate(), "get"] + arguments + ["--admin-socket", scene.adminSocket],
                timeout: .seconds(20))
            #expect(completion.succeeded && completion.errorOutput == "", "\(arguments): \(completion)")
            return completion.output.split(separator: "\n").dropFirst().map {
                // Frontends have spaces in them, columns three.
                $0.split(separator: "   ").map { $0.trimmed }
            }
        }

        @Test func `every frontend is in the kernel as planned, and open connections are counted`() throws {
            let scene = try Scene(pods: 2)
            defer { scene.tearDown() }
            let web = Application.everywhere(on: scene.pods)
            try scene.put(web)
            var other = Application.everywhere("other", number: 11, on: scene.pods)
            other.externalPolicy = "Local"
            try scene.put(other)
            try scene.node.setKernelParameters([("net/netfilter/nf_conntrack_acct", "1")])

            // In pages, of which the last says how the table is. Before all of it was read: the kernel is asked for these.
            func page(_ query: String) throws -> String {
                let completion = try scene.node.execute([
                    "curl", "-sS", "--unix-socket", scene.adminSocket, "http://fairlead/v1/frontends?\(query)",
                ])
                try #require(completion.succeeded, "\(completion)")
                return completion.output
            }
            let first = try page("limit=1")
            #expect(first.contains(#""continue":"default/"#) && !first.contains("tableIsExact"), "\(first)")
            #expect(first.contains(#""kernel":"exact""#) && !first.contains("differs"), "\(first)")
            let last = try page("limit=10&continue=default%2Fother")
            #expect(last.contains(#""tableIsExact":true"#) && !last.contains(#""continue""#), "\(last)")
            #expect(last.contains("default/web") && !last.contains("default/other"), "\(last)")
            // A small part, element by element; all that was read just now is not known to hold any more.
            try scene.node.shell("nft add table inet nobody")
            let one = try page("service=settled")
            #expect(one.contains(#""service":"default/settled"#) && one.contains(#""kernel":"exact""#), "\(one)")
            #expect(!one.contains("tableIsExact"))

            let all = try Self.get(scene, "frontends")
            // Two Services with four kinds of frontends each, over both IP versions with TCP and UDP; and that by which scenes
            // know that Fairlead has caught up.
            #expect(all.count == 2 * 4 * 4 + 1, "\(all)")
            #expect(all.allSatisfy { $0[2] == "exact" }, "\(all)")

            let open = try (0..<3).map { _ in try scene.client.converse(with: web.clusterIP(.ipv4)) }
            for conversation in open { #expect(conversation.isAlive()) }
            let nodePort = try scene.client.converse(with: web.nodePort(.ipv4, on: scene.node))
            #expect(nodePort.isAlive())
            let rows = try Self.get(scene, "frontends", "web", "-o", "wide")
            #expect(rows.count == 16)
            func row(_ frontend: String) throws -> [Substring] { try #require(rows.first { $0[1] == frontend }) }
            let address = try row("\(web.clusterIP(.ipv4))/tcp")
            #expect(address[0].hasPrefix("default/web"))
            #expect(address[3] == "3" && address[4] == "0" && Int(address[5]) ?? 0 > 100, "\(address)")
            #expect(try row("nodePort 30010/tcp (IPv4)")[3] == "1", "\(rows)")
            #expect(try row("\(web.clusterIP(.ipv6))/tcp")[3] == "0")
        }

        @Test func `the node that is asked`() throws {
            let scene = try Scene(pods: 2)
            defer { scene.tearDown() }
            try scene.put(Application(on: scene.pods))
            let rows = try Self.get(scene, "nodes", "-o", "wide")
            #expect(rows.count == 1)
            let row = try #require(rows.first)
            #expect(row[0] == Scene.here && row[1] == "nftables" && row[2] == "2", "\(row)")
            // Two pods with an IPv4 and an IPv6 address each, over TCP and UDP.
            #expect(row[3] == "8", "\(row)")
            #expect(row[5].contains("\(scene.node.ipv4)"), "\(row)")
            #expect(row[7].contains("10.244.0.0/16"), "\(row)")
        }
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var text = self.drop { $0 == " " }
        while text.last == " " { text.removeLast() }
        return text
    }
}
