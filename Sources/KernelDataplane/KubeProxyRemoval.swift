internal import Linux
internal import Nftables

extension KubeProxySearch {
    /// Takes one part away.
    ///
    /// - Returns: what was there to remove then, which may be another number of chains than was found.
    func remove(_ part: KubeProxyLeftovers.Part) throws -> KubeProxyLeftovers.Part {
        switch part {
        case .table(let table, _):
            var transaction = Transaction(table)
            transaction.append(.deleteTable)
            _ = try self.kernel.commit(transaction)
            return part
        case .chains(let table, let found):
            return .chains(table, try self.removeChains(from: table) ?? found)
        case .legacyChains(let family, let table, let found):
            let script = try Descriptor.memoryFile("fairlead-restore", found.removal(from: table).utf8)
            let program = family.program("iptables-legacy-restore")
            // It waits for the lock that iptables' programs share.
            _ = try self.output(of: [program, "--noflush", "--wait", "10", script.pathForChildren])
            withExtendedLifetime(script) {}
            return part
        case .virtualServers(let count):
            // The interface goes last: it is what tells that the virtual servers are kube-proxy's.
            if count > 0 { try VirtualServers.flush() }
            _ = try NetworkInterface.delete(KubeProxyLeftovers.interface)
            return part
        }
    }

    /// Handles are good for the generation that they were read from; if another program has committed
    /// since, they are read again.
    private func removeChains(from table: TableReference) throws(NftablesError) -> KubeProxyChains<TableOutline.Jump>? {
        var attempts = NetlinkKernel.dumpAttempts
        while true {
            let outline = try self.kernel.outline(of: table)
            guard let part = KubeProxyChains(in: outline) else { return nil }
            do throws(NftablesError) {
                _ = try self.kernel.commit(part.removal(from: table, generation: outline.generation))
                return part
            } catch  where error.code == .changedMeanwhile && attempts > 1 {
                attempts -= 1
            }
        }
    }
}
