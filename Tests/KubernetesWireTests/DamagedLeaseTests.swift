import KubernetesAPI
import KubernetesWire
import Lab
import Testing

@Suite struct DamagedLeaseTests {
    /// Any damage is an error or another Lease, never more than that.
    @Test(arguments: WireFormat.allCases)
    func damage(format: WireFormat) throws {
        let lease = Lease(
            name: ObjectName(namespace: "default", name: "fairlead"), resourceVersion: "12", uid: "u",
            holderIdentity: "a", leaseDurationSeconds: 15,
            acquireTime: MicroTime(microsecondsSince1970: 1_700_000_000_000_001),
            renewTime: MicroTime(microsecondsSince1970: 1_700_000_001_000_001), leaseTransitions: 3)
        let bytes = try lease.encoded(as: format)
        #expect(try Lease(decoding: bytes, format: format) == lease)
        var random = SeededGenerator(seed: 3)
        var refused = 0
        for _ in 0..<3_000 {
            var damaged = bytes
            for _ in 0...Int.random(in: 0..<3, using: &random) {
                let position = Int.random(in: 0..<damaged.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: damaged[position] = UInt8.random(in: 0 ... .max, using: &random)
                case 1: damaged.remove(at: position)
                default: damaged.insert(UInt8.random(in: 0 ... .max, using: &random), at: position)
                }
            }
            if (try? Lease(decoding: damaged, format: format)) == nil { refused += 1 }
        }
        #expect(refused > 100)
        for end in bytes.indices { _ = try? Lease(decoding: Array(bytes[..<end]), format: format) }
    }
}
