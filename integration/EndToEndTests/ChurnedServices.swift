import Lab
import Networking

/// Services that come, change and go.
struct ChurnedServices {
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

    private let put: (String, [any Manifest]) throws -> Void
    private let remove: (String) throws -> Void
    private var present: Set<Int> = []

    /// - Parameters:
    ///   - put: makes a Service, and its slices `NAME-ipv4` and `NAME-ipv6`, or new versions of them.
    ///   - remove: takes them away.
    init(put: @escaping (String, [any Manifest]) throws -> Void, remove: @escaping (String) throws -> Void) {
        self.put = put
        self.remove = remove
    }

    mutating func step(_ random: inout SeededGenerator) throws {
        let number = Int.random(in: 0..<40, using: &random)
        if self.present.contains(number), Int.random(in: 0..<4, using: &random) == 0 {
            self.present.remove(number)
            try self.remove("churn-\(number)")
        } else {
            self.present.insert(number)
            try self.put("churn-\(number)", self.objects(number, &random))
        }
    }

    private func objects(_ number: Int, _ random: inout SeededGenerator) -> [any Manifest] {
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
