import Glibc
import Lab
import Linux
import Networking
import Testing

/// All end-to-end tests, one after the other: several measure time, and each has a kernel to itself.
/// They need root and fail without it.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct EndToEnd {}

/// A lab with an echo server in every pod, a folder of manifests, and a Fairlead that follows it on
/// the node.
final class Scene {
    /// Where every pod answers, over TCP and UDP.
    static let targetPort: UInt16 = 8080
    /// What the node is called, and a name that some other node has.
    static let here = "node-a"
    static let elsewhere = "node-b"

    /// `FAIRLEAD_DATAPLANE`: who serves, where a test does not say; nil as by default. The tests of `integration/userspace-tests` are run
    /// with `userspace` as well.
    static let dataplane = unsafe getenv("FAIRLEAD_DATAPLANE").map { unsafe String(cString: $0) }

    let lab: Lab
    let folder: ManifestFolder
    let servers: [EchoServer]
    /// The Fairlead of now; after ``start()`` another one.
    private(set) var fairlead: FairleadProcess
    private let arguments: [String]
    private let prefix: [String]
    private var settledTimes: UInt8 = 0

    /// - Parameter prefix: a program that becomes Fairlead, say `prlimit` with its options.
    init(
        pods: Int = 3, clusterCIDR: String? = Lab.clusterCIDR, hostname: String? = Scene.here,
        objects: [any Manifest] = [], prefix: [String] = [], _ further: [String] = []
    ) throws {
        let lab = try Lab(pods: pods)
        let folder = try ManifestFolder()
        if !objects.isEmpty { try folder.write("initial.yaml", objects) }
        self.lab = lab
        self.folder = folder
        self.servers = try lab.pods.map { try EchoServer(on: $0, port: Self.targetPort) }
        let clusterOption = clusterCIDR.map { ["--cluster-cidr", $0] } ?? []
        let hostnameOption = hostname.map { ["--hostname-override", $0] } ?? []
        // What is given here comes after it, and counts.
        let dataplaneOption = Self.dataplane.map { ["--dataplane", $0] } ?? []
        self.arguments =
            ["node", "--manifests", folder.path, "--admin-socket", Self.adminSocket(folder)] + clusterOption
            + hostnameOption + dataplaneOption + further
        self.prefix = prefix
        self.fairlead = try FairleadProcess(on: lab.node, self.arguments, prefix: prefix)
        try self.awaitStart()
    }

    /// Where `fairlead get` asks; the file system is all scenes' at once. Not a manifest by its name.
    var adminSocket: String { Self.adminSocket(self.folder) }

    private static func adminSocket(_ folder: ManifestFolder) -> String { "\(folder.path)/.admin.sock" }

    var client: Host { self.lab.client }
    var node: Host { self.lab.node }
    var pods: [Host] { self.lab.pods }

    /// One host of each place a connection can come from: outside, the node itself, a pod.
    var vantagePoints: [Host] { [self.lab.client, self.lab.node, self.lab.pods[0]] }

    func tearDown() {
        _ = self.fairlead.terminate()
        for server in self.servers { server.stop() }
        self.lab.tearDown()
        self.folder.delete()
    }

    // MARK: - The program

    /// Starts another Fairlead as the first was started, and waits until its rules are in force.
    func start(_ further: [String] = []) throws {
        self.fairlead = try FairleadProcess(on: self.node, self.arguments + further, prefix: self.prefix)
        try self.awaitStart()
    }

    private func awaitStart() throws {
        guard self.fairlead.waitForLog(containing: "in force: ") != nil else {
            throw LabError("Fairlead does not start: \(self.fairlead.log)")
        }
    }

    // MARK: - Objects

    /// Puts objects into force as the file `NAME.yaml`.
    func put(_ name: String, _ objects: [any Manifest]) throws {
        try self.folder.write("\(name).yaml", objects)
        try self.settle()
    }

    func put(_ application: Application) throws { try self.put(application.name, application.manifests) }

    /// Removes the file `NAME.yaml`.
    func remove(_ name: String) throws {
        try self.folder.remove("\(name).yaml")
        try self.settle()
    }

    /// Waits until all that was written before is in force: a Service without endpoints, written last,
    /// is refused, as packets tell. Its address has been nobody's before.
    ///
    /// What is not needed any more goes a little later, when nothing leads there: the log says when.
    func settle() throws {
        self.settledTimes += 1
        let lines = self.fairlead.log.count
        let address = IPAddress(10, 97, 0, self.settledTimes)
        try self.folder.write(
            "zz-settled.yaml", [ServiceManifest("settled", clusterIPs: [address], ports: [.init(1)])])
        let isInForce = try self.node.run {
            try waitUntil(timeout: Sanitizer.bound(.seconds(5))) {
                try Probe.tcp(to: address, port: 1, timeout: .milliseconds(10)).isRefused
            }
        }
        let isWhole = waitUntil(timeout: .seconds(1)) {
            // Of this Service alone, of several, or of the whole table.
            self.fairlead.log.dropFirst(lines).contains { line in
                ["service=default/settled", " services=", "has been repaired"].contains { line.contains($0) }
            }
        }
        guard isInForce, isWhole else {
            throw LabError("a change is not in force after 5 s: \(self.fairlead.log.suffix(5))")
        }
    }
}
