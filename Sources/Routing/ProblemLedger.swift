internal import KubernetesAPI

/// What is wrong now, by where it was found, and what of it is new or gone since it was last asked.
struct ProblemLedger {
    enum Source: Hashable {
        case ingress(ObjectName)
        /// Merging the rules of a host.
        case host(String)
        case certificate(String)
        case backend(BackendID)
        case catchAll
        case defaultCertificate
    }

    private var bySource: [Source: [IngressProblem]] = [:]
    /// How many sources have found it.
    private var counts: [IngressProblem: Int] = [:]
    /// Whether it was there when changes were last taken, of those that have come or gone since.
    private var touched: [IngressProblem: Bool] = [:]
    private var list = SortedList<IngressProblem>()

    /// Sorted, as of when changes were last taken.
    var all: [IngressProblem] { self.list.elements }

    /// What is wrong now, as one source found it.
    func found(by source: Source) -> [IngressProblem] { self.bySource[source] ?? [] }

    mutating func set(_ problems: [IngressProblem], of source: Source) {
        let former = self.bySource[source] ?? []
        guard former != problems else { return }
        self.bySource[source] = problems.isEmpty ? nil : problems
        for problem in problems { self.count(problem, 1) }
        for problem in former { self.count(problem, -1) }
    }

    private mutating func count(_ problem: IngressProblem, _ difference: Int) {
        let before = self.counts[problem] ?? 0
        if self.touched[problem] == nil { self.touched[problem] = before > 0 }
        self.counts[problem] = before + difference > 0 ? before + difference : nil
    }

    mutating func takeChanges() -> (appeared: [IngressProblem], gone: [IngressProblem]) {
        guard !self.touched.isEmpty else { return ([], []) }
        var appeared: [IngressProblem] = []
        var gone: [IngressProblem] = []
        for (problem, wasThere) in self.touched {
            let isThere = self.counts[problem] != nil
            if isThere, !wasThere { appeared.append(problem) }
            if !isThere, wasThere { gone.append(problem) }
        }
        self.touched = [:]
        self.list.apply(adding: appeared, removing: gone)
        return (appeared.sorted(), gone.sorted())
    }
}
