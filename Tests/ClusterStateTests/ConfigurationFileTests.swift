import ClusterState
import KubernetesAPI
import Linux
import Logging
import Testing

/// A configuration file, and what becomes of a process whose file changes.
@Suite(.timeLimit(.minutes(1)))
struct ConfigurationFileTests {
    private static func text(_ further: String = "") -> String {
        "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n\(further)\n"
    }

    @Test func `it is read with its warnings`() throws {
        let directory = try TemporaryDirectory()
        try directory.write("config.conf", Self.text("oomScoreAdj: 5\nnew: 1"))
        let file = try ConfigurationFile.read(directory["config.conf"])
        #expect(file.configuration.oomScoreAdj == 5)
        #expect(file.warnings.map(\.line) == [4])
        #expect(file.path == directory["config.conf"])
    }

    @Test func `what cannot be used says the file, the line and the reason`() throws {
        let directory = try TemporaryDirectory()
        func failure(_ path: String) -> ConfigurationFileError? {
            do throws(ConfigurationFileError) {
                _ = try ConfigurationFile.read(path)
                return nil
            } catch {
                return error
            }
        }
        try directory.write("bad", Self.text("mode: x\noomScoreAdj: y"))
        let path = directory["bad"]
        let invalid = try #require(failure(path))
        #expect(invalid.code == .invalid)
        #expect(
            invalid.description == """
                \(path):3: mode: must be nftables, iptables or ipvs, not "x"
                \(path):4: oomScoreAdj: must be an integer, not the string "y"
                """)
        let missing = try #require(failure(directory["none"]))
        #expect(missing.code == .unreadable)
        #expect(missing.description.contains(directory["none"]))
        #expect(missing.description.contains("No such file"))
        #expect(failure(directory.path)?.code == .unreadable)
        #expect(failure("/dev/zero")?.code == .unreadable)
        try directory.write("large", String(repeating: "#", count: 2 << 20))
        #expect(failure(directory["large"])?.description.contains("larger than") == true)
    }

    // MARK: Following

    /// Follows the file while `body` runs; the error with which that ended, nil if it had to be stopped.
    private func follow(
        _ path: String, stopping: Bool = false, _ body: () throws -> Void
    ) async throws -> ConfigurationFileError? {
        let file = try ConfigurationFile.read(path)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let watch = try ConfigurationWatch(file, logger: logger)
        let running = Task { try await watch.run() }
        try body()
        if stopping {
            // It is to stay: what there is to be noticed is noticed within this time.
            try await Task.sleep(for: .milliseconds(300))
            running.cancel()
        }
        do {
            try await running.value
            return nil
        } catch let error as ConfigurationFileError {
            return error
        }
    }

    private func scene() throws -> TemporaryDirectory {
        let directory = try TemporaryDirectory()
        try directory.write("config.conf", Self.text())
        return directory
    }

    @Test func `E8 written over, it ends with an error`() async throws {
        let directory = try self.scene()
        let error = try await self.follow(directory["config.conf"]) {
            try directory.write("config.conf", Self.text("oomScoreAdj: 5"))
        }
        #expect(error?.code == .changed)
        #expect(error?.description.contains(directory["config.conf"]) == true)
    }

    @Test func `E8 renamed over, it ends with an error`() async throws {
        let directory = try self.scene()
        let error = try await self.follow(directory["config.conf"]) {
            try directory.place("config.conf", Self.text("oomScoreAdj: 5"))
        }
        #expect(error?.code == .changed)
    }

    /// As the kubelet mounts a ConfigMap: `..data` leads to a directory and is swapped.
    @Test func `E8 swapped as a ConfigMap, it ends with an error`() async throws {
        let directory = try TemporaryDirectory()
        for (version, text) in [("1", Self.text()), ("2", Self.text("oomScoreAdj: 5"))] {
            try TemporaryDirectory.make(directory["..\(version)"])
            try directory.write("..\(version)/config.conf", text)
        }
        try directory.link("..data", to: "..1")
        try directory.link("config.conf", to: "..data/config.conf")
        let error = try await self.follow(directory["config.conf"]) {
            try directory.link("..data_tmp", to: "..2")
            try directory.rename("..data_tmp", "..data")
        }
        #expect(error?.code == .changed)
    }

    @Test func `the same content, a neighbour's change and a deletion are no change`() async throws {
        let directory = try self.scene()
        let error = try await self.follow(directory["config.conf"], stopping: true) {
            try directory.write("config.conf", Self.text())
            try directory.place("config.conf", Self.text())
            try directory.write("kubeconfig.conf", "other: 1")
            try directory.delete("config.conf")
        }
        #expect(error == nil, "\(String(describing: error))")
    }

    @Test func `deleted and made anew with other content it ends with an error`() async throws {
        let directory = try self.scene()
        let error = try await self.follow(directory["config.conf"]) {
            try directory.delete("config.conf")
            try directory.write("config.conf", Self.text("oomScoreAdj: 5"))
        }
        #expect(error?.code == .changed)
    }
}
