internal import Linux
internal import Nftables

/// Looks for what kube-proxy left in the network namespace of a kernel, and takes it away.
///
/// All of it but what iptables' legacy tables hold is done without any program.
final class KubeProxySearch {
    let kernel: NetlinkKernel
    private let namespace: NetworkNamespace?
    private let locate: (String) -> String?

    /// For a program that reads or writes tens of thousands of rules. The thread of the data plane waits as
    /// long.
    private static let patience = Duration.seconds(30)

    /// - Parameters:
    ///   - namespace: where programs run; nil is the namespace of the process.
    ///   - locate: the file that a program's name stands for; nil if there is none.
    init(
        kernel: NetlinkKernel,
        namespace: NetworkNamespace? = nil,
        locate: @escaping (String) -> String? = ChildProcess.find
    ) {
        self.kernel = kernel
        self.namespace = namespace
        self.locate = locate
    }

    /// Everything there is; what cannot be looked at becomes an obstacle.
    func find() -> KubeProxyLeftovers {
        var leftovers = KubeProxyLeftovers()
        do {
            for table in try self.kernel.tables() {
                if KubeProxyLeftovers.isOwn(table) {
                    leftovers.parts.append(.table(table, chains: try self.kernel.outline(of: table).chains.count))
                } else if KubeProxyLeftovers.isShared(table),
                    let part = KubeProxyChains(in: try self.kernel.outline(of: table))
                {
                    leftovers.parts.append(.chains(table, part))
                }
            }
        } catch {
            leftovers.obstacles.append("\(error)")
        }
        for family in LegacyTable.Family.allCases { self.findLegacy(family, in: &leftovers) }
        // Virtual servers without that interface are another program's, such as keepalived's.
        if NetworkInterface.exists(KubeProxyLeftovers.interface) {
            do {
                leftovers.parts.append(.virtualServers(try VirtualServers.count()))
            } catch {
                leftovers.obstacles.append("IPVS: \(error)")
            }
        }
        return leftovers
    }

    private func findLegacy(_ family: LegacyTable.Family, in leftovers: inout KubeProxyLeftovers) {
        do {
            // Without a table of its own the program is not asked: that would load what it speaks to.
            let names = try HostSystem.networkFile(family.listOfTables) ?? ""
            let tables = names.split(separator: "\n").map(String.init).filter(
                KubeProxyLeftovers.iptablesTables.contains)
            guard !tables.isEmpty else { return }
            let program = family.program("iptables-legacy-save")
            guard self.locate(program) != nil else {
                leftovers.obstacles.append(
                    "no program \(program) to look into tables \(tables.sorted().joined(separator: ", ")): "
                        + "where there is one, run `\(program) | grep KUBE-`")
                return
            }
            for table in LegacyTable.parse(try self.output(of: [program])) where tables.contains(table.name) {
                guard let part = KubeProxyChains(in: table) else { continue }
                leftovers.parts.append(.legacyChains(family, table: table.name, part))
            }
        } catch {
            leftovers.obstacles.append("\(family.listOfTables): \(error)")
        }
    }

    /// What a program prints; its own words are thrown if it fails.
    func output(of arguments: [String]) throws -> String {
        let completion = try ChildProcess.run(arguments, namespace: self.namespace, timeout: Self.patience)
        guard completion.succeeded else {
            throw ProgramFailure(
                description: "\(arguments[0]): \(completion.status): \(completion.errorOutput.trimmed)")
        }
        return completion.output
    }
}

/// A program that did not do what it was asked.
struct ProgramFailure: Error, CustomStringConvertible {
    let description: String
}

extension String {
    /// One line for the log.
    fileprivate var trimmed: String { self.split(separator: "\n").joined(separator: "; ") }
}
