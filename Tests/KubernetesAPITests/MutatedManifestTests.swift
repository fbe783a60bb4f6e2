import KubernetesAPI
import Testing

/// Good manifests, damaged at random but the same way each time.
@Suite struct MutatedManifestTests {
    /// SplitMix64: small, seeded, the same everywhere.
    struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            self.state &+= 0x9e37_79b9_7f4a_7c15
            var bits = self.state
            bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
            bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
            return bits ^ (bits >> 31)
        }
    }

    static func mutate(_ source: String, _ random: inout Generator) -> [UInt8] {
        var bytes = Array(source.utf8)
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            guard let index = bytes.indices.randomElement(using: &random) else { break }
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes.removeSubrange(index...)
            case 1: bytes[index] = UInt8.random(in: 0...255, using: &random)
            case 2: bytes.removeSubrange(index..<min(bytes.count, index + Int.random(in: 1...20, using: &random)))
            case 3:
                let words = [
                    "{}", "[]", "null", "-1", "true", "\"", "&a ", "*a", "\n", ": ", "- ", "0x", "|\n", "!!int ",
                ]
                bytes.insert(contentsOf: (words.randomElement(using: &random) ?? "").utf8, at: index)
            default: bytes.swapAt(index, bytes.indices.randomElement(using: &random) ?? index)
            }
        }
        return bytes
    }

    @Test(.timeLimit(.minutes(1)))
    func damageNeverSpreads() {
        var random = Generator(state: 20_260_131)
        var broken = 0
        var refused = 0
        let sources = [
            Manifests.service, Manifests.slice, Manifests.loadBalancer, Manifests.hintedSlice, Manifests.node,
            Manifests.serviceCIDR, Manifests.ingress, Manifests.ingressClass, Manifests.secret,
        ]
        for source in sources {
            let content = Manifests.decode(source)
            #expect(content.objects.count == 1 && content.problems.isEmpty, "\(content.problems)")
        }
        for round in 0..<3_000 {
            let source = sources[round % sources.count]
            let bytes = Self.mutate(source, &random)
            let alone = ManifestDecoder.decode(bytes, file: "m.yaml", limits: ManifestLimits())
            #expect(!alone.isBroken || (alone.objects.isEmpty && alone.problems.count == 1))
            #expect(alone.problems.allSatisfy { $0.line >= 1 && !$0.reason.isEmpty })
            if alone.isBroken {
                broken += 1
                continue
            }
            if alone.objects.isEmpty { refused += 1 }
            // What is not broken syntax leaves the next document whole.
            let neighbour = Manifests.service.replacing("name: web", with: "name: neighbour")
            let both = ManifestDecoder.decode(
                Array("\(neighbour)---\n".utf8) + bytes,
                file: "m.yaml",
                limits: ManifestLimits()
            )
            #expect(both.isBroken || both.objects.contains { $0.object.key.name.name == "neighbour" })
        }
        // The damage was of every sort.
        #expect(broken > 300)
        #expect(refused > 300)
        #expect(broken + refused < 2_970)
    }
}
