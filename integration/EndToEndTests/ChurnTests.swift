import Glibc
import Lab
import Networking
import Testing

/// Random changes, kills and other programs' edits for a while: the kernel ends with what a fresh start
/// would give, and a Service that nobody touched never fails.
///
/// Ten seconds here; `make churn` runs ten minutes (FAIRLEAD_CHURN_SECONDS).
@Suite(.serialized, .timeLimit(.minutes(20)))
struct Churn {
    private static let seconds =
        unsafe getenv("FAIRLEAD_CHURN_SECONDS").flatMap { Int(unsafe String(cString: $0)) } ?? 10
    private static let changesPerSecond = 200

    @Test func `any history ends like a fresh start, and an untouched Service never fails`() throws {
        let scene = try Scene()
        defer { scene.tearDown() }
        var random = Generator(seed: UInt64(Self.seconds))
        let untouched = Application("untouched", number: 250, on: scene.pods)
        try scene.put(untouched)
        let loads = try AddressFamily.allCases.map { family in
            let target = untouched.clusterIP(family)
            // A connection that starts in the moment without a table is made by its second segment, a second later.
            return try LoadGenerator(
                from: scene.client, to: target.address, port: target.port, rate: 100,
                duration: .seconds(Self.seconds + 60), timeout: .seconds(10))
        }
        var churn = ChurnedServices(scene)
        let start = ContinuousClock.now
        var (changes, kills, edits) = (0, 0, 0)
        var (nextKill, nextEdit) = (Duration.seconds(3), Duration.seconds(1))
        while ContinuousClock.now - start < .seconds(Self.seconds) {
            let elapsed = ContinuousClock.now - start
            if elapsed > nextKill {
                scene.fairlead.kill9()
                kills += 1
                try scene.start()
                nextKill = elapsed + .milliseconds(Int.random(in: 2000...8000, using: &random))
            }
            if elapsed > nextEdit {
                let edit = ChurnedServices.edits.randomElement(using: &random) ?? "true"
                // The table may be gone just now.
                try scene.node.shell("\(edit) 2>/dev/null || true")
                edits += 1
                nextEdit = elapsed + .milliseconds(Int.random(in: 1000...5000, using: &random))
            }
            try churn.step(&random)
            changes += 1
            let ahead = Duration.seconds(1) * changes / Self.changesPerSecond - (ContinuousClock.now - start)
            if ahead > .zero { pause(ahead) }
        }
        // After the last repair, with nothing left to do.
        pause(.seconds(1))
        try scene.settle()
        let reports = loads.map { $0.stop() }
        // Chains that nothing uses go two seconds after their last use.
        pause(.seconds(3))
        let lived = try ChurnedServices.meaning(of: scene.node)
        _ = scene.fairlead.terminate()
        try scene.node.shell("nft delete table inet fairlead")
        try scene.start()
        let fresh = try ChurnedServices.meaning(of: scene.node)
        print(
            "churn: \(changes) changes, \(kills) kills, \(edits) edits in \(Self.seconds) s; \(fresh.count) lines of "
                + "ruleset; connections to the untouched Service: \(reports.map(\.started)), slowest "
                + "\(reports.map(\.slowest).max() ?? .zero)")
        #expect(lived.symmetricDifference(fresh).isEmpty, "\(lived.symmetricDifference(fresh).sorted().prefix(20))")
        for report in reports {
            #expect(report.failed == 0, "\(report)")
            #expect(report.answered == report.started, "\(report)")
        }
    }
}

/// Services that come, change and go.
private struct ChurnedServices {
    /// What other programs do to the table. Not: emptying the maps of frontends or endpoints, whose clients are
    /// refused until that is repaired; and not deleting the table, which takes the kernel's translation of
    /// connections that are open with it (`InterferenceTests`).
    static let edits = [
        "nft flush table inet fairlead",
        "nft flush map inet fairlead masquerade-frontends4",
        "nft flush map inet fairlead hairpins6",
        "nft add element inet fairlead cluster-ips4 '{ 9.9.9.9 }'",
        "nft add rule inet fairlead services counter",
        "nft add chain inet fairlead stranger",
        "nft add table inet other-$RANDOM",
    ]

    private let folder: ManifestFolder
    private let endpoints: [Host]
    private var present: Set<Int> = []

    init(_ scene: Scene) {
        self.folder = scene.folder
        self.endpoints = scene.pods
    }

    mutating func step(_ random: inout Generator) throws {
        let number = Int.random(in: 0..<40, using: &random)
        if self.present.contains(number), Int.random(in: 0..<4, using: &random) == 0 {
            self.present.remove(number)
            try self.folder.remove("churn-\(number).yaml")
        } else {
            self.present.insert(number)
            try self.folder.write("churn-\(number).yaml", self.objects(number, &random))
        }
    }

    private func objects(_ number: Int, _ random: inout Generator) -> [any Manifest] {
        func isSo(_ odds: Int) -> Bool { Int.random(in: 0..<odds, using: &random) == 0 }
        var application = Application("churn-\(number)", number: UInt8(100 + number), on: [])
        if isSo(2) { application.nodePort = 31000 + UInt16.random(in: 0..<30, using: &random) }
        application.hasExternalIPs = isSo(3)
        var service = application.service
        if isSo(3) { service.clientIPAffinity = isSo(2) ? 60 : 3600 }
        if isSo(4) { service.internalTrafficPolicy = "Local" }
        if service.type == "NodePort", isSo(2) { service.externalTrafficPolicy = "Local" }
        if isSo(5) {
            service.annotations["fairlead.dev/load-balancing"] = isSo(2) ? "client-ip-hash" : "flow-hash"
            service.annotations["fairlead.dev/hash-table-size"] = "128"
        }
        let slices = AddressFamily.allCases.map { family in
            var endpoints: [EndpointSliceManifest.Endpoint] = []
            for address in 1..<UInt8.random(in: 1..<12, using: &random) {
                let host =
                    family == .ipv4
                    ? IPAddress(10, 244, 77, address) : IPAddress(ipv6High: 0xfd00_0010_0244_0077, low: UInt64(address))
                var endpoint = EndpointSliceManifest.Endpoint(host, nodeName: isSo(2) ? "here" : "elsewhere")
                endpoint.ready = !isSo(4)
                endpoint.terminating = !endpoint.ready && isSo(2)
                endpoints.append(endpoint)
            }
            return application.slice(family, endpoints)
        }
        return [service] + slices
    }

    /// The ruleset as a set of lines, without counters and slots: which slot an endpoint has depends on
    /// history, and no connection can tell.
    static func meaning(of node: Host) throws -> Set<String> {
        let listing = try node.shell("nft -s list table inet fairlead")
        var lines: Set<String> = []
        var map = ""
        var isDynamic = false
        for raw in listing.split(separator: "\n") {
            var line = String(raw.drop { $0 == " " || $0 == "\t" })
            if line.hasPrefix("map ") || line.hasPrefix("set ") || line.hasPrefix("chain ") {
                map = line
                isDynamic = line.contains(" affinity4 ") || line.contains(" affinity6 ")
            }
            guard !isDynamic else { continue }
            let isSlotted = ["endpoints", "affinity-slots"].contains { map.contains($0) } && !map.contains("members")
            line = line.replacing("elements = { ", with: "")
            while let last = line.last, ", }".contains(last), line != "}" { line.removeLast() }
            for element in line.split(separator: ", ") {
                var text = String(element)
                if isSlotted, !map.contains("affinity-endpoints"), let colon = text.firstRange(of: " : ") {
                    var key = text[..<colon.lowerBound].split(separator: " ")
                    if let slot = key.lastIndex(where: { Int($0) != nil }) { key.remove(at: slot) }
                    text = key.joined(separator: " ") + text[colon.lowerBound...]
                }
                lines.insert("\(map) \(text)")
            }
        }
        return lines
    }
}

/// The same numbers for the same seed (SplitMix64).
private struct Generator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        self.state &+= 0x9e37_79b9_7f4a_7c15
        var z = self.state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}
