internal import CLab
internal import Glibc
internal import Linux

/// Rights of this thread, for what a program does that lacks them.
package enum Capability {
    /// Runs `body` without `CAP_NET_ADMIN`.
    package static func withoutNetworkAdministration(_ body: () throws -> Void) throws {
        try self.set(false)
        defer {
            do { try self.set(true) } catch { preconditionFailure("\(error)") }
        }
        try body()
    }

    private static func set(_ isEffective: Bool) throws(SystemError) {
        let networkAdministration: UInt32 = 12
        _ = try systemCall("capset") { lab_set_capability(networkAdministration, isEffective ? 1 : 0) }
    }
}
