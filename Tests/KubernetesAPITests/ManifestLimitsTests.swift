import KubernetesAPI
import Testing

/// Files that ask for more than they are worth: each ends soon, with a reason.
@Suite struct ManifestLimitsTests {
    static let deep: [String] = [
        String(repeating: "[", count: 100_000),
        String(repeating: "{a: ", count: 100_000),
        String(repeating: "- ", count: 100_000) + "a",
        String(repeating: "? ", count: 100_000) + "a",
        "kind: Service\n" + (0..<2_000).map { String(repeating: " ", count: $0) + "a:\n" }.joined(),
        (0..<2_000).map { String(repeating: " ", count: $0) + "-\n" }.joined(),
    ]

    @Test(.timeLimit(.minutes(1)), arguments: deep.indices)
    func depthIsLimited(index: Int) {
        let content = Manifests.decode(Self.deep[index])
        #expect(content.isBroken)
        #expect(content.problems.map(\.reason) == ["nested deeper than 64 levels"])
    }

    @Test func depthWithinTheLimitIsFine() {
        let source = "kind: Pod\nx: " + String(repeating: "[", count: 63) + String(repeating: "]", count: 63)
        #expect(!Manifests.decode(source).isBroken)
        #expect(Manifests.decode(source.replacing("x: ", with: "x: [") + "]").isBroken)
    }

    @Test(.timeLimit(.minutes(1)), arguments: [false, true])
    func aliasesOfAliasesAreCounted(asKeys: Bool) {
        var source = "kind: Pod\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...30 {
            let items = (0..<10).map { _ in "*a\(level - 1)" }
            source +=
                asKeys
                ? "a\(level): &a\(level) {? \(items[0]) : \(items[1]), ? [\(items[2]), \(items[3])] : x}\n"
                : "a\(level): &a\(level) [\(items.joined(separator: ", "))]\n"
        }
        let content = Manifests.decode(source)
        #expect(content.isBroken)
        #expect(content.problems.map(\.reason) == ["more than 10000000 nodes, counting what aliases stand for"])
    }

    @Test func sizeIsLimited() {
        let limits = ManifestLimits(maximumFileSize: 100)
        #expect(
            Manifests.problems(String(repeating: " ", count: 101), limits: limits) == [
                "a.yaml:1: larger than 100 bytes"
            ])
        #expect(!Manifests.decode(String(repeating: " ", count: 100), limits: limits).isBroken)
    }

    @Test(.timeLimit(.minutes(1)))
    func hugeScalarsEndSoonAndAreCutWhenTold() {
        let huge = String(repeating: "x", count: 4 << 20)
        let problems = Manifests.problems(
            "apiVersion: v1\nkind: Service\nmetadata: {name: \(huge)}\nspec: {ports: [{port: 1}]}")
        #expect(problems.count == 1)
        #expect(problems.allSatisfy { $0.utf8.count < 400 && $0.hasSuffix("xxx…\"") })
        #expect(Manifests.problems("apiVersion: v1\nkind: \"\(huge)\"").allSatisfy { $0.utf8.count < 400 })
    }

    @Test func problemsOfOneFileAreCapped() {
        let bad = (0..<300).map { "apiVersion: v1\nkind: Service\nmetadata: {name: a\($0)}\n" }.joined(
            separator: "---\n")
        let problems = Manifests.problems(bad)
        #expect(problems.count == 101)
        #expect(problems.last?.hasSuffix("and 200 more problems") == true)
    }
}
