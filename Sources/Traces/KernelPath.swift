internal import KernelDataplane
internal import Networking
package import Nftables

/// The way of one packet through the kernel's rules, as the kernel told of it.
package struct KernelPath: Hashable, Sendable {
    package enum Step: Hashable, Sendable {
        /// What it is from here on.
        case packet(TraceEvent.Headers)
        /// A rule that it met, or the end of a base chain.
        case rule(chain: String, action: String)
    }

    package enum Verdict: Hashable, Sendable {
        /// No rule kept it.
        case passed
        /// The sender is told. Whose rule it is: ``Culprit``.
        case refused(Culprit)
        /// The sender is not told.
        case dropped(Culprit)
    }

    /// What ended its way.
    package struct Culprit: Hashable, Sendable {
        package let table: TableReference
        package let chain: String
        /// nil: the chain's policy.
        package let rule: UInt64?
    }

    package let steps: [Step]
    package let verdict: Verdict
    /// As it came.
    package let first: TraceEvent.Headers
    /// As it was when it was last heard of.
    package let last: TraceEvent.Headers
    /// Indexes of the interfaces by which it came, and left.
    package let input: UInt32?
    package let output: UInt32?
    /// It met rules of ours. It does not if connection tracking knows its connection: chains of kind `nat` get what begins one.
    package let metOurs: Bool
    /// Whose rule said where it goes; what became of that is to be seen only at the next hook. nil: nobody's.
    package let translator: TableReference?
    /// A rule said that it gets this host's address.
    package let isMasqueraded: Bool

    /// nil: the packet has not come by.
    ///
    /// - Parameter rules: what a table's rules do, by handle.
    package init?(_ packet: PacketEvents, rules: [TableReference: [UInt64: [Expression]]]) {
        let events = packet.events
        guard let first = events.first, let headers = first.headers else { return nil }
        var steps: [Step] = [.packet(headers)]
        var verdict = Verdict.passed
        var last = headers
        var translator: TableReference?
        var isMasqueraded = false
        for event in events {
            if let headers = event.headers, headers != last {
                last = headers
                steps.append(.packet(headers))
            }
            guard event.table != packet.marker, event.place != .end else { continue }
            let chain = "\(event.table.family.keyword) \(event.table.name) \(event.chain)"
            let ending = event.verdict?.text ?? "taken away"
            switch event.place {
            case .rule(let handle):
                let known = rules[event.table]?[handle]
                let does = known.map(Expression.summary) ?? "rule \(handle)"
                let goesOn = event.verdict == .continue
                steps.append(
                    .rule(chain: chain, action: does.isEmpty ? ending : goesOn ? does : "\(does): \(ending)"))
                for expression in known ?? [] {
                    if case .destinationNAT = expression { translator = event.table }
                    if case .masquerade = expression { isMasqueraded = true }
                }
                guard event.verdict == .drop else { continue }
                let culprit = Culprit(table: event.table, chain: event.chain, rule: handle)
                verdict = known?.contains(where: \.isRefusal) == true ? .refused(culprit) : .dropped(culprit)
            case .policy, .end:
                steps.append(.rule(chain: chain, action: "policy \(ending)"))
                guard event.verdict == .drop else { continue }
                verdict = .dropped(Culprit(table: event.table, chain: event.chain, rule: nil))
            }
        }
        self.steps = steps
        self.verdict = verdict
        self.first = headers
        self.last = last
        self.input = first.input
        self.output = events.compactMap(\.output).last
        self.metOurs = events.contains { $0.table == FairleadTable.reference }
        self.translator = translator
        self.isMasqueraded = isMasqueraded
    }

    /// Where it goes is not where it went at first.
    package var isMoved: Bool {
        self.last.destination != self.first.destination || self.last.destinationPort != self.first.destinationPort
    }

    /// Whether the kernel did what was planned; nil where that is not to be seen, or not the kernel's to do.
    package func agrees(with plan: PacketTrace) -> Bool? {
        switch self.verdict {
        case .refused(let culprit), .dropped(let culprit):
            // Another program's rule ended its way before ours could, or after.
            guard culprit.table == FairleadTable.reference else { return nil }
            return switch (self.verdict, plan.verdict) {
            case (.refused, .refused), (.dropped, .dropped): true
            default: false
            }
        case .passed: break
        }
        guard self.metOurs || self.isMoved else { return nil }
        switch plan.verdict {
        case .passed where self.translator == FairleadTable.reference: return false
        // Another program's business, such as a port of the host that is a container's.
        case .passed: return self.translator == nil && !self.isMoved ? true : nil
        case .refused, .dropped: return false
        case .translated where plan.server != .kernel: return nil
        case .translated where self.isMoved:
            let target = self.last.destination.text(port: self.last.destinationPort)
            return plan.targets.contains { $0.address == target }
        // Where it went is not to be seen if no later hook told of it.
        case .translated: return self.translator == nil ? false : nil
        }
    }
}

extension Expression {
    /// It tells the sender; iptables has one of its own.
    fileprivate var isRefusal: Bool {
        if case .reject = self { true } else { self == .other("target REJECT") }
    }
}
