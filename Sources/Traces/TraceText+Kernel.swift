internal import Networking
internal import Nftables

extension TraceText {
    /// What the kernel did with a packet, and whether that was planned.
    ///
    /// - Parameters:
    ///   - plan: what was to become of the packet; nil: nobody could be asked.
    ///   - interface: the name of an interface.
    package static func text(_ path: KernelPath, plan: PacketTrace?, interface: (UInt32) -> String?) -> String {
        let place = path.input.map { ", in by \(interface($0) ?? "interface \($0)")" } ?? ", made by this host"
        let chains = path.steps.map { step in if case .rule(let chain, _) = step { chain } else { "" } }
        let width = (chains.map(\.utf8.count).max() ?? 0) + 2
        var lines: [String] = []
        for (index, step) in path.steps.enumerated() {
            switch step {
            case .packet(let headers):
                let subject = self.padded(index == 0 ? "packet" : "now", 12)
                lines.append("\(subject)\(self.text(headers))\(index == 0 ? place : "")")
            case .rule(let chain, let action): lines.append("  \(self.padded(chain, width))\(action)")
            }
        }
        lines.append("\(self.padded("kernel", 12))\(self.verdict(path, interface))")
        if let plan { lines.append("\(self.padded("plan", 12))\(self.comparison(path, plan))") }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func text(_ headers: TraceEvent.Headers) -> String {
        let source = headers.source.text(port: headers.sourcePort)
        return "\(source) -> \(headers.destination.text(port: headers.destinationPort))"
    }

    private static func verdict(_ path: KernelPath, _ interface: (UInt32) -> String?) -> String {
        switch path.verdict {
        case .refused(let culprit): return "refused by \(self.text(culprit))"
        case .dropped(let culprit): return "dropped by \(self.text(culprit))"
        case .passed:
            if path.translator != nil, !path.isMoved {
                return """
                    translated, and not heard of after that: its endpoint is this host itself, or forwarding is off, or there is no \
                    route (`fairlead check`)
                    """
            }
            let known =
                path.metOurs ? "" : "; it met no rule of Fairlead's, as connection tracking knows its connection"
            let way = path.output.map { ", out by \(interface($0) ?? "interface \($0)")" } ?? ""
            let source = path.isMasqueraded ? ", from this node's address" : ""
            return "goes on as \(self.text(path.last))\(source)\(way)\(known)"
        }
    }

    private static func text(_ culprit: KernelPath.Culprit) -> String {
        let what = culprit.rule.map { "rule \($0)" } ?? "the policy"
        let chain = "\(culprit.table.family.keyword) \(culprit.table.name) \(culprit.chain)"
        return "\(what) of chain \(culprit.chain) in \(culprit.table) (`nft -a list chain \(chain)`)"
    }

    private static func comparison(_ path: KernelPath, _ plan: PacketTrace) -> String {
        let planned = "\(plan.verdict.rawValue): \(plan.reason)"
        return switch path.agrees(with: plan) {
        case true?: "as planned: \(planned)"
        case false?: "not as planned: \(planned) (`fairlead get frontends` compares all of the table)"
        case nil where plan.server == .userspace: "\(planned), by the userspace balancer"
        case nil: planned
        }
    }
}
