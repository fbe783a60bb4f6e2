internal import Nftables

/// The kernel, spoken to over a socket that is opened when it is first needed: where that fails, it is tried again.
final class OnDemandKernel: NftablesKernel {
    private var opened: NetlinkKernel?

    func open() throws(NftablesError) -> NetlinkKernel {
        if let opened { return opened }
        let kernel = try NetlinkKernel()
        self.opened = kernel
        return kernel
    }

    func commit(_ transaction: Transaction) throws(NftablesError) -> CommitReceipt {
        try self.open().commit(transaction)
    }

    func snapshot(of table: TableReference, _ scope: SnapshotScope) throws(NftablesError) -> TableSnapshot? {
        try self.open().snapshot(of: table, scope)
    }

    func generation() throws(NftablesError) -> UInt32 { try self.open().generation() }

    func counters(of set: NamedSet, in table: TableReference) throws(NftablesError) -> [ElementBytes: Counter] {
        try self.open().counters(of: set, in: table)
    }
}
