internal import Networking
import Synchronization

/// One network namespace with nothing in it but loopback: a kernel of one's own to program.
package final class Sandbox: Sendable {
    package let host: Host

    private static let nextNumber = Atomic<Int>(0)

    package init() throws {
        NamespaceRegistry.sweep()
        let number = Self.nextNumber.add(1, ordering: .relaxed).newValue
        let namespace = try NamespaceRegistry.create(lab: number, host: "sandbox")
        self.host = Host(
            name: "sandbox", namespace: namespace, ipv4: IPAddress(127, 0, 0, 1), ipv6: IPAddress(ipv6High: 0, low: 1))
        do {
            try self.host.shell("ip link set lo up")
        } catch {
            self.tearDown()
            throw error
        }
    }

    deinit { self.tearDown() }

    package func tearDown() { NamespaceRegistry.delete(self.host.namespace) }
}
