internal import Linux
internal import NIOCore
internal import NIOPosix
package import Networking

/// Whether somebody listens: a TCP connection from this host that is closed as soon as it stands.
package enum ConnectProbe {
    /// So many at a time.
    private static let parallel = 64

    /// What became of each, in order: `accepted`, `connection refused`.
    package static func run(
        _ targets: [(address: IPAddress, port: UInt16)], timeout: Duration = .seconds(1)
    ) async -> [String] {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let outcomes = await withTaskGroup(of: (Int, String).self) { tasks -> [String] in
            var outcomes = [String](repeating: "", count: targets.count)
            for (index, target) in targets.enumerated() {
                if index >= Self.parallel, let (place, outcome) = await tasks.next() { outcomes[place] = outcome }
                tasks.addTask { return (index, await Self.probe(target.address, target.port, timeout, group)) }
            }
            for await (place, outcome) in tasks { outcomes[place] = outcome }
            return outcomes
        }
        // Nothing of it is left to fail.
        try? await group.shutdownGracefully()
        return outcomes
    }

    private static func probe(
        _ address: IPAddress, _ port: UInt16, _ timeout: Duration, _ group: any EventLoopGroup
    ) async -> String {
        do {
            let target = try NIOCore.SocketAddress(ipAddress: "\(address)", port: Int(port))
            let channel = try await ClientBootstrap(group: group).connectTimeout(TimeAmount(timeout))
                .connect(to: target).get()
            try? await channel.close()
            return "accepted"
        } catch let error as IOError {
            return SystemError.text(of: error.errnoCode).lowercased()
        } catch is ChannelError {
            return "no answer within \(timeout / .seconds(1)) s"
        } catch {
            return "\(error)"
        }
    }
}
