import Lab
import Nftables
import TestSupport

/// A kernel with nothing in it: the fake one, or the real one in a network namespace of its own.
final class KernelFixture {
    let kernel: any NftablesKernel
    private let sandbox: Sandbox?

    init(_ kind: KernelKind) throws {
        switch kind {
        case .fake:
            self.sandbox = nil
            self.kernel = FakeKernel()
        case .real:
            let sandbox = try Sandbox()
            self.sandbox = sandbox
            self.kernel = try sandbox.host.run { try NetlinkKernel() }
        }
    }

    deinit { self.sandbox?.tearDown() }
}
