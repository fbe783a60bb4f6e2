import Linux

/// One proxy, or the backend by itself, under load for some seconds.
struct Sample {
    /// Above this share of the proxy's processor somebody else's work was in the way.
    static let disturbance = 0.05

    let figures: LoadFigures
    /// Microseconds of processor time for each of what the figures count.
    let cost: Double
    /// The share of the processor that it had.
    let share: Double
    /// The share of that processor that others had meanwhile.
    let others: Double
    /// Connections that the backend accepted meanwhile, and requests that reached it, where it counts them.
    var backend: (connections: Int, requests: Int)?

    /// Takes a sample while `load` runs. `processorTime` is that of the proxy, or, with `isProxy` false, of the backend.
    init(of processorTime: () -> Duration, isProxy: Bool, load: () throws -> LoadFigures) rethrows {
        let busy = Usage.busyTime(ofProcessor: Workbench.proxyProcessor)
        let (began, processor) = (ContinuousClock.now, processorTime())
        let figures = try load()
        let (wall, spent) = (ContinuousClock.now - began, processorTime() - processor)
        let busyNow = Usage.busyTime(ofProcessor: Workbench.proxyProcessor) - busy
        self.figures = figures
        self.cost = spent / .microseconds(1) / Double(max(1, figures.count))
        self.share = spent / .seconds(figures.seconds)
        self.others = max(0, (busyNow - (isProxy ? spent : .zero)) / wall)
    }

    /// Whether the proxy was not the narrow place, or others were in its way.
    func isFlagged(below saturation: Double) -> Bool { self.share < saturation || self.others > Self.disturbance }
}

/// Who is under load: a proxy, or, to know the machine, the backend without one.
enum Target: Hashable {
    case direct
    case proxy(Proxy)

    var name: String {
        switch self {
        case .direct: "no proxy"
        case .proxy(let proxy): proxy.name
        }
    }
}

/// Samples by measure and target, a round after the other.
struct SampleTable<Measure: Hashable> {
    private var samples: [Measure: [Target: [Sample]]] = [:]

    subscript(_ measure: Measure, _ target: Target) -> [Sample] { self.samples[measure]?[target] ?? [] }

    var measures: Set<Measure> { Set(self.samples.keys) }

    mutating func add(_ sample: Sample, _ measure: Measure, _ target: Target) {
        self.samples[measure, default: [:]][target, default: []].append(sample)
    }

    func costs(_ measure: Measure, _ proxy: Proxy) -> [Double] { self[measure, .proxy(proxy)].map(\.cost) }

    /// The costs of one proxy beside the least of some others, round by round.
    func ratios(_ measure: Measure, _ proxy: Proxy, to others: [Proxy]) -> [Double] {
        let others = others.map { self.costs(measure, $0) }.filter { !$0.isEmpty }
        return self.costs(measure, proxy).enumerated().compactMap { round, cost in
            others.compactMap { round < $0.count ? $0[round] : nil }.min().map { cost / $0 }
        }
    }

    /// What one measure costs beside another, of the same proxy in the same round.
    func ratios(_ measure: Measure, to other: Measure, _ proxy: Proxy) -> [Double] {
        zip(self.costs(measure, proxy), self.costs(other, proxy)).map { $0 / $1 }
    }
}
