import ClusterState
import KubernetesAPI
import Testing

@Suite struct ManifestDirectoryTests {
    @Test func onlyWhatChangedComesOut() {
        var directory = ManifestDirectory()
        let first = directory.read(Fixtures.content(Fixtures.service("a"), Fixtures.service("b")), of: "x.yaml")
        #expect(first.changes.map(\.key.name.name) == ["a", "b"])
        let same = directory.read(Fixtures.content(Fixtures.service("a"), Fixtures.service("b")), of: "x.yaml")
        #expect(same == ManifestDirectory.Outcome())
        let next = directory.read(
            Fixtures.content(Fixtures.service("b", port: 81), Fixtures.service("c")),
            of: "x.yaml"
        )
        #expect(
            next.changes == [
                ObjectChange(key: Fixtures.key("a"), object: nil),
                ObjectChange(key: Fixtures.key("b"), object: Fixtures.service("b", port: 81)),
                ObjectChange(key: Fixtures.key("c"), object: Fixtures.service("c")),
            ]
        )
    }

    @Test func brokenKeepsTheLastGood() {
        var directory = ManifestDirectory()
        _ = directory.read(Fixtures.content(Fixtures.service("a")), of: "x.yaml")
        let problem = ManifestProblem(file: "x.yaml", line: 3, reason: "broken")
        let outcome = directory.read(ManifestFileContent(problems: [problem], isBroken: true), of: "x.yaml")
        #expect(outcome == ManifestDirectory.Outcome(problems: [problem]))
        let gone = directory.removed("x.yaml")
        #expect(gone.changes == [ObjectChange(key: Fixtures.key("a"), object: nil)])
        #expect(directory.fileNames.isEmpty)
    }

    @Test func theFileThatSortsFirstWinsWhoeverCameFirst() {
        var directory = ManifestDirectory()
        let b = directory.read(Fixtures.content(Fixtures.service("a", port: 2)), of: "b.yaml")
        #expect(b.changes.count == 1 && b.problems.isEmpty)

        // c loses to b.
        let c = directory.read(Fixtures.content(Fixtures.service("x"), Fixtures.service("a", port: 3)), of: "c.yaml")
        #expect(c.changes.map(\.key) == [Fixtures.key("x")])
        #expect(
            c.problems.map(\.description) == [
                "c.yaml:11: Service default/a: already defined in b.yaml:1, which sorts first and wins"
            ]
        )

        // a displaces b.
        let a = directory.read(Fixtures.content(Fixtures.service("a", port: 1)), of: "a.yaml")
        #expect(a.changes == [ObjectChange(key: Fixtures.key("a"), object: Fixtures.service("a", port: 1))])
        #expect(a.problems.map(\.file) == ["b.yaml"])

        // Each takes over from the one before, silently where nothing changes.
        let withoutB = directory.removed("b.yaml")
        #expect(withoutB.changes.isEmpty)
        let withoutA = directory.removed("a.yaml")
        #expect(withoutA.changes == [ObjectChange(key: Fixtures.key("a"), object: Fixtures.service("a", port: 3))])
        let withoutC = directory.removed("c.yaml")
        #expect(withoutC.changes.allSatisfy { $0.object == nil } && withoutC.changes.count == 2)
    }

    @Test func theSameInTwoFilesIsNoChange() {
        var directory = ManifestDirectory()
        _ = directory.read(Fixtures.content(Fixtures.service("a")), of: "b.yaml")
        let a = directory.read(Fixtures.content(Fixtures.service("a")), of: "a.yaml")
        #expect(a.changes.isEmpty)
        #expect(a.problems.map(\.file) == ["b.yaml"])
        #expect(directory.removed("a.yaml") == ManifestDirectory.Outcome())
    }

    @Test func removingWhatIsNotThereIsNothing() {
        var directory = ManifestDirectory()
        #expect(directory.removed("a.yaml") == ManifestDirectory.Outcome())
    }
}
