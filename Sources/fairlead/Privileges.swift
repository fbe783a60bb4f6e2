internal import Linux
internal import Reactor

/// Keeps a lock as long as it lives.
final class HeldLock: Sendable {
    private let lock: InstanceLock

    init(_ lock: consuming InstanceLock) {
        self.lock = lock
    }
}

/// What programming the kernel takes, and what keeps instances apart.
enum Privileges {
    /// The name that a running node role holds in its network namespace.
    static let nodeLockName = "fairlead/node"

    static func requireNetworkAdministration() throws {
        guard !Capabilities.hasNetworkAdministration else { return }
        throw CommandFailure.failed(
            """
            programming nftables needs the capability CAP_NET_ADMIN, which this process does not have. One of:
              - run it as root: sudo fairlead ...
              - give it to the program: sudo setcap cap_net_admin+ep /path/to/fairlead
              - in a systemd unit: AmbientCapabilities=CAP_NET_ADMIN
              - in a pod: securityContext.capabilities.add: [NET_ADMIN], with hostNetwork: true
            `fairlead render` shows the rules without any privilege.
            """)
    }

    /// Workers share their ports (`SO_REUSEPORT`), and the kernel would let another Fairlead of this user share them too.
    static func takePortLock(_ address: SocketAddress) throws -> HeldLock {
        do {
            return HeldLock(try InstanceLock.take("fairlead/ingress/\(address)"))
        } catch let taken as InstanceLock.Taken {
            let holder = taken.process.map { "process \($0) (\(taken.command))" } ?? "another process"
            throw CommandFailure.failed(
                "another Fairlead already listens at \(address): \(holder). Stop that one first.")
        }
    }

    static func takeNodeLock() throws -> InstanceLock {
        do {
            return try InstanceLock.take(Self.nodeLockName)
        } catch let taken as InstanceLock.Taken {
            let holder = taken.process.map { "process \($0) (\(taken.command))" } ?? "another process"
            throw CommandFailure.failed(
                "another Fairlead already programs this network namespace: \(holder). Stop that one first.")
        }
    }
}
