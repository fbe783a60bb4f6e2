import Glibc
import KernelDataplane
import KubernetesAPI
import Networking
import Nftables
import ServiceModel
import TestSupport
import Testing

/// A folder of `rules/golden`: objects, the ruleset that they must become, and what becomes of packets.
struct GoldenCase: Sendable, CustomTestStringConvertible {
    let name: String
    var testDescription: String { self.name }

    /// The `rules` folder of the checkout that this test was built from.
    static let rules: String = {
        var parts = #filePath.split(separator: "/")
        parts.removeLast(3)
        return "/" + parts.joined(separator: "/") + "/rules"
    }()

    static let all: [GoldenCase] = {
        guard let directory = unsafe opendir("\(Self.rules)/golden") else { return [] }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted().map(GoldenCase.init)
    }()

    func path(_ file: String) -> String { "\(Self.rules)/golden/\(self.name)/\(file)" }

    static func read(_ path: String) throws -> String {
        guard let file = unsafe fopen(path, "r") else { throw GoldenError("cannot read \(path)") }
        defer { unsafe fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = unsafe fread(&buffer, 1, buffer.count, file)
            guard count > 0 else { break }
            bytes.append(contentsOf: buffer[..<count])
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func write(_ text: String, to path: String) throws {
        guard let file = unsafe fopen(path, "w") else { throw GoldenError("cannot write \(path)") }
        defer { unsafe fclose(file) }
        unsafe _ = fputs(text, file)
    }

    /// The ruleset for the objects of this case. `node.txt` has lines `setting: value value`.
    func ruleset() throws -> Ruleset { try self.preview().ruleset }

    func preview() throws -> RulesetPreview {
        var settings: [String: [String]] = [:]
        for line in try Self.read(self.path("node.txt")).split(separator: "\n") {
            let parts = line.split(separator: " ").map(String.init)
            if let name = parts.first { settings[name] = Array(parts.dropFirst()) }
        }
        let content = ManifestDecoder.decode(
            Array(try Self.read(self.path("objects.yaml")).utf8), file: "objects.yaml", limits: ManifestLimits())
        #expect(content.problems.filter { $0.severity == .error }.isEmpty)
        let name = settings["name:"]?.first ?? "node-1"
        let addresses = Set((settings["addresses:"] ?? []).compactMap { IPAddress($0) })
        let blocks = (settings["cluster-cidr:"] ?? []).compactMap { CIDR($0) }
        let interface = settings["pod-interface:"]?.first
        var streams = StreamProgram.Settings()
        streams.handover = Set(AddressFamily.allCases)
        return RulesetPreview(of: content.objects.map(\.0), nodeName: name, streams: streams) { cluster in
            let node = NodeSettings(
                pods: interface.map { .interface($0) } ?? .blocks(blocks),
                masqueradeAll: settings["masquerade-all:"] != nil, nodePortAddresses: addresses,
                serviceCIDRs: cluster.serviceBlocks)
            return (node, NodeFacts(name: name, zone: cluster.zone, addresses: addresses))
        }
    }
}

struct GoldenError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// A line of `flows.txt`: `pod 10.244.1.2 to 10.96.0.10 tcp 80 -> 10.244.1.3:8080, 10.244.1.4:8080`.
struct Flow: CustomStringConvertible {
    let packet: PacketTracer.Packet
    let words: String
    let expected: String

    init?(_ line: Substring) {
        guard let arrow = line.firstRange(of: "->") else { return nil }
        let words = line[..<arrow.lowerBound].split(separator: " ").map(String.init)
        guard words.count == 6, words[2] == "to", let source = IPAddress(words[1]),
            let destination = IPAddress(words[3]),
            let transport = TransportProtocol(kubernetesName: words[4].uppercased()), let port = UInt16(words[5])
        else { return nil }
        self.packet = PacketTracer.Packet(
            from: source, to: destination, transport, port, isLocal: words[0] == "host",
            interface: words[0] == "pod" ? "cali0" : "eth0")
        self.words = words.joined(separator: " ")
        self.expected = line[arrow.upperBound...].split(separator: " ").joined(separator: " ")
    }

    var description: String { "\(self.words) -> \(self.expected)" }
}

extension PacketTracer.Outcome {
    /// As `flows.txt` has it; `masq` behind a target whose client is masqueraded.
    var text: String {
        switch self {
        case .passed: "passed"
        case .refused: "refused"
        case .dropped: "dropped"
        case .translated(let targets):
            targets.map { target in
                let address = target.address.family == .ipv6 ? "[\(target.address)]" : "\(target.address)"
                return "\(address):\(target.port)\(target.isMasqueraded ? " masq" : "")"
            }.joined(separator: ", ")
        }
    }
}
