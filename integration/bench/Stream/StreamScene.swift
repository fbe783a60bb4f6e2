import Glibc
import Lab
import Linux
import Networking

/// A ``Workbench`` with what the proxies read for one backend, which comes and goes with the load.
final class StreamScene {
    /// An address of loopback, but none of 127.0.0.0/8, which an EndpointSlice may not have.
    static let backend = SocketAddress(IPAddress(10, 244, 0, 2), 8000)

    let workbench: Workbench
    /// Connections that a proxy can have: each takes two descriptors, of it and of the load.
    let connectionLimit: Int
    /// For what else a program has open.
    private static let spareDescriptors = 1000

    /// `files` is the folder of this part of the benchmark: `peers` is in it.
    init(files: String) throws {
        self.workbench = try Workbench()
        self.connectionLimit = (try self.workbench.descriptorLimit() - Self.spareDescriptors) / 2
        let host = self.workbench.host
        try host.shell("ip address add \(Self.backend.address)/32 dev lo")
        try host.shell("cd \(self.workbench.folder) && chmod 755 . && cp \(files)/peers/* . && mkdir manifests")
        let target = Proxy.fairlead.streamTarget
        let ports = [TransportProtocol.tcp, .udp]
        let service = ServiceManifest(
            "bench", clusterIPs: [target.address],
            ports: ports.map { .init(target.port, name: "\($0)", transport: $0, targetPort: Self.backend.port) })
        let slice = EndpointSliceManifest(
            of: "bench", name: "bench-1", family: .ipv4,
            endpoints: [.init(Self.backend.address, nodeName: "elsewhere")],
            ports: ports.map { .init(Self.backend.port, name: "\($0)", transport: $0) })
        try self.workbench.write("manifests/bench.yaml", "\(service.yaml)---\n\(slice.yaml)")
    }

    /// Starts a proxy and waits until it listens.
    func start(_ proxy: Proxy, _ programs: Programs) throws -> ProxyProcess {
        let target = proxy.streamTarget
        return try ProxyProcess(proxy, self.command(proxy, programs), on: self.workbench) {
            // There is no backend yet, so nothing is answered.
            switch try self.workbench.host.tcp(
                to: target.address, port: target.port, timeout: .milliseconds(100))
            {
            case .answered, .reset, .timedOut: true
            case .refused, .unreachable: false
            }
        }
    }

    /// Load for some seconds.
    func load(_ measure: StreamMeasure, _ target: SocketAddress, seconds: Int) throws -> LoadFigures {
        let child = try self.workbench.spawnLoad(
            StreamLoad.command(measure.load, to: target, connections: measure.connections, seconds: seconds))
        guard child.waitForExit(timeout: .seconds(Int64(seconds) + 20)) == .exited(0),
            let figures = StreamLoad.figures(line: child.output.filter { $0 != "\n" }), figures.count > 0
        else {
            child.kill()
            throw LabError("no figures from the load on \(target): \(child.output)")
        }
        return figures
    }

    /// Opens connections with one exchange on each and holds them. The load has to be killed in the end.
    func hold(_ target: SocketAddress, connections: Int) throws -> (load: ChildProcess, figures: LoadFigures) {
        let child = try self.workbench.spawnLoad(
            StreamLoad.command(.tcp(.exchange(64)), to: target, connections: connections, seconds: 0))
        waitUntil(timeout: .seconds(120)) { child.output.contains("\n") || !child.isRunning }
        guard child.isRunning, let figures = StreamLoad.figures(line: child.output.filter({ $0 != "\n" })) else {
            child.kill()
            throw LabError("no connections held on \(target): \(child.output)")
        }
        return (child, figures)
    }
}

/// How each proxy is run here.
extension Proxy {
    /// Where clients connect to.
    var streamTarget: SocketAddress {
        switch self {
        // A ClusterIP, which Fairlead itself makes one of this host.
        case .fairlead: SocketAddress(IPAddress(10, 96, 0, 10), 8010)
        case .nginx: SocketAddress(IPAddress(127, 0, 0, 1), 8020)
        case .haproxy: SocketAddress(IPAddress(127, 0, 0, 1), 8030)
        case .envoy: SocketAddress(IPAddress(127, 0, 0, 1), 8040)
        }
    }

}

extension StreamScene {
    /// How a proxy is started in the folder of the workbench, with one worker.
    private func command(_ proxy: Proxy, _ programs: Programs) -> [String] {
        switch proxy {
        case .fairlead:
            [
                programs.fairlead, "node", "--admin-socket", "none", "--dataplane", "userspace", "--manifests",
                "manifests",
                "--cluster-cidr", "10.244.0.0/16", "--hostname-override", "bench", "--balancer-workers", "1",
            ]
        case .nginx: Proxy.nginx(configuration: "nginx.conf")
        case .haproxy: ["haproxy", "-db", "-n", "\(self.connectionLimit)", "-f", "haproxy.cfg"]
        case .envoy: [programs.envoy, "-c", "envoy.yaml", "--concurrency", "1"]
        }
    }
}
