internal import Lab
package import Nftables

/// The kernels that a case runs on.
package enum KernelKind: String, CaseIterable, Sendable, CustomStringConvertible {
    case fake
    case real
    /// The real one, spoken to as kernels before 6.10 have to be: they do not acknowledge the end of a
    /// batch.
    case realOfOld

    package var description: String { self.rawValue }
}

/// A kernel with nothing in it: the fake one, or the real one in a network namespace of its own, which
/// goes with this.
package final class KernelFixture {
    package let kernel: any NftablesKernel
    private let sandbox: Sandbox?

    package init(_ kind: KernelKind) throws {
        switch kind {
        case .fake:
            (self.sandbox, self.kernel) = (nil, FakeKernel())
        case .real, .realOfOld:
            let sandbox = try Sandbox()
            let known: Bool? = kind == .real ? nil : false
            (self.sandbox, self.kernel) = (
                sandbox, try sandbox.host.run { try NetlinkKernel(acknowledgesEnd: known) }
            )
        }
    }

    deinit { self.sandbox?.tearDown() }

    /// What a shell command prints in the real kernel's namespace; nothing for the fake one, which no
    /// program can reach.
    package func shell(_ command: String) throws -> String { try self.sandbox?.host.shell(command) ?? "" }
}
