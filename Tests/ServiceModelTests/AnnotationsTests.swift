import Networking
import ServiceModel
import Testing

@Suite struct AnnotationsTests {
    private typealias Key = ServiceAnnotations.Key

    @Test func nothingSaidIsPlain() {
        let annotations = ServiceAnnotations(["example.org/load-balancing": "flow-hash"])
        #expect(annotations == ServiceAnnotations([:]))
        #expect(annotations.algorithm == .random)
        #expect(annotations.tableSize == 4096)
        #expect(annotations.zoneWeights.isEmpty && annotations.deniedSources.isEmpty && annotations.problems.isEmpty)
    }

    @Test func everythingIsRead() {
        let annotations = ServiceAnnotations([
            Key.algorithm: "client-ip-hash", Key.tableSize: "65536", Key.zoneWeights: "eu-1a=3, eu-1b=0 ,c=100",
            Key.deniedSources: "192.0.2.0/24,2001:db8::/32 , 198.51.100.1/32",
        ])
        #expect(annotations.problems.isEmpty)
        #expect(annotations.algorithm == .clientIPHash)
        #expect(annotations.tableSize == 65536)
        #expect(annotations.zoneWeights == ["eu-1a": 3, "eu-1b": 0, "c": 100])
        #expect(annotations.deniedSources.map(\.description) == ["192.0.2.0/24", "2001:db8::/32", "198.51.100.1/32"])
        for algorithm in ServiceAnnotations.Algorithm.allCases {
            #expect(ServiceAnnotations([Key.algorithm: algorithm.rawValue]).algorithm == algorithm)
        }
    }

    /// What cannot be read counts as absent, and is named.
    @Test(arguments: [
        (Key.algorithm, "least-conn", "\"least-conn\" is none of random, client-ip-hash, flow-hash, least-connections"),
        (Key.algorithm, "", "\"\" is none of random, client-ip-hash, flow-hash, least-connections"),
        (Key.tableSize, "63", "must be a number between 64 and 65536, not \"63\""),
        (Key.tableSize, "65537", "must be a number between 64 and 65536, not \"65537\""),
        (Key.tableSize, "lots", "must be a number between 64 and 65536, not \"lots\""),
        (Key.zoneWeights, "a", "\"a\" is not ZONE=WEIGHT with a weight from 0 to 100"),
        (Key.zoneWeights, "=1", "\"=1\" is not ZONE=WEIGHT with a weight from 0 to 100"),
        (Key.zoneWeights, "a=101", "\"a=101\" is not ZONE=WEIGHT with a weight from 0 to 100"),
        (Key.zoneWeights, "a=-1", "\"a=-1\" is not ZONE=WEIGHT with a weight from 0 to 100"),
        (Key.zoneWeights, "a=1=2", "\"a=1=2\" is not ZONE=WEIGHT with a weight from 0 to 100"),
        (Key.deniedSources, "192.0.2.1", "\"192.0.2.1\" is not an address block such as 192.0.2.0/24"),
        (Key.deniedSources, "everybody", "\"everybody\" is not an address block such as 192.0.2.0/24"),
    ])
    func whatCannotBeReadIsNamed(key: String, text: String, problem: String) {
        let annotations = ServiceAnnotations([key: text])
        #expect(annotations.problems == ["\(key): \(problem)"])
        #expect(annotations.algorithm == .random)
        #expect(annotations.tableSize == 4096)
        #expect(annotations.zoneWeights.isEmpty && annotations.deniedSources.isEmpty)
    }

    @Test func whatCanBeReadCountsBesideWhatCannot() {
        let annotations = ServiceAnnotations([Key.zoneWeights: "a=2,b", Key.deniedSources: "x,192.0.2.0/24,y"])
        #expect(annotations.zoneWeights == ["a": 2])
        #expect(annotations.deniedSources.map(\.description) == ["192.0.2.0/24"])
        #expect(annotations.problems.count == 3)
    }

    @Test func theWeightOfASlice() {
        #expect(ServiceAnnotations.weight(ofSlice: [:]) == nil)
        #expect(ServiceAnnotations.weight(ofSlice: [Key.weight: "0"]) == 0)
        #expect(ServiceAnnotations.weight(ofSlice: [Key.weight: "100"]) == 100)
        #expect(ServiceAnnotations.weight(ofSlice: [Key.weight: "101"]) == nil)
        #expect(ServiceAnnotations.weight(ofSlice: [Key.weight: "x"]) == nil)
    }
}
