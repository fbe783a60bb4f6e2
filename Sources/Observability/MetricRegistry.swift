internal import Synchronization

/// The metrics of this process. They are registered once, at the start; recording goes past the registry.
package final class MetricRegistry: Sendable {
    enum Source: Sendable {
        case counter(Counter)
        case gauge(Gauge)
        case histogram(Histogram)
        /// Looked at when somebody asks; nil leaves it out.
        case reading(@Sendable () -> Double?)
        case histogramReading(@Sendable () -> HistogramReading)
    }

    struct Member: Sendable {
        let labels: [MetricLabel]
        let source: Source
    }

    struct Family: Sendable {
        enum Kind: String, Sendable {
            case counter, gauge, histogram
        }

        let name: String
        let help: String
        let kind: Kind
        let members: [Member]
    }

    /// Metrics whose members are known only when somebody asks.
    private struct Sampling: Sendable {
        let families: [Family]
        let read: @Sendable () -> [[MetricSample]]
    }

    /// By name.
    private let families = Mutex<[String: Family]>([:])
    private let samplings = Mutex<[Sampling]>([])

    package init() {}

    // MARK: - Registering

    package func counter(_ name: String, _ help: String) -> Counter {
        let counter = Counter()
        self.register(Family(name: name, help: help, kind: .counter, members: [Member([], .counter(counter))]))
        return counter
    }

    package func counter<Labels: MetricLabels>(
        _ name: String,
        _ help: String,
        for values: some Collection<Labels>
    ) -> MetricSeries<Labels, Counter> {
        self.register(name, help, .counter, values, Counter.init) { .counter($0) }
    }

    package func gauge(_ name: String, _ help: String) -> Gauge {
        let gauge = Gauge()
        self.register(Family(name: name, help: help, kind: .gauge, members: [Member([], .gauge(gauge))]))
        return gauge
    }

    package func gauge<Labels: MetricLabels>(
        _ name: String,
        _ help: String,
        for values: some Collection<Labels>
    ) -> MetricSeries<Labels, Gauge> {
        self.register(name, help, .gauge, values, Gauge.init) { .gauge($0) }
    }

    package func histogram(_ name: String, _ help: String, _ buckets: HistogramBuckets) -> Histogram {
        let histogram = Histogram(buckets)
        self.register(Family(name: name, help: help, kind: .histogram, members: [Member([], .histogram(histogram))]))
        return histogram
    }

    package func histogram<Labels: MetricLabels>(
        _ name: String,
        _ help: String,
        _ buckets: HistogramBuckets,
        for values: some Collection<Labels>
    ) -> MetricSeries<Labels, Histogram> {
        self.register(name, help, .histogram, values, { Histogram(buckets) }, { .histogram($0) })
    }

    /// A counter that somebody else keeps; nil leaves it out.
    package func counter(_ name: String, _ help: String, read: @escaping @Sendable () -> Double?) {
        self.register(Family(name: name, help: help, kind: .counter, members: [Member([], .reading(read))]))
    }

    /// The same, one for each value of its labels.
    package func counter<Labels: MetricLabels>(
        _ name: String,
        _ help: String,
        for values: some Sequence<Labels>,
        read: @escaping @Sendable (Labels) -> Double?
    ) {
        let members = values.map { value in Member(value.metricLabels, .reading({ read(value) })) }
        self.register(Family(name: name, help: help, kind: .counter, members: members))
    }

    /// A gauge that is looked at when somebody asks; nil leaves it out.
    package func gauge(_ name: String, _ help: String, read: @escaping @Sendable () -> Double?) {
        self.register(Family(name: name, help: help, kind: .gauge, members: [Member([], .reading(read))]))
    }

    /// The same, one for each value of its labels.
    package func gauge<Labels: MetricLabels>(
        _ name: String,
        _ help: String,
        for values: some Sequence<Labels>,
        read: @escaping @Sendable (Labels) -> Double?
    ) {
        let members = values.map { value in Member(value.metricLabels, .reading({ read(value) })) }
        self.register(Family(name: name, help: help, kind: .gauge, members: members))
    }

    /// A histogram that somebody else keeps.
    package func histogram(_ name: String, _ help: String, read: @escaping @Sendable () -> HistogramReading) {
        self.register(Family(name: name, help: help, kind: .histogram, members: [Member([], .histogramReading(read))]))
    }

    /// Counters whose members are known only when somebody asks: one look at what is counted makes all of them. Who registers them sees to
    /// it that the number of members has a bound.
    ///
    /// - Parameter read: the members of each of the counters, in their order.
    package func counters(
        _ counters: KeyValuePairs<String, String>, sample read: @escaping @Sendable () -> [[MetricSample]]
    ) {
        let families = counters.map { Family(name: $0.key, help: $0.value, kind: .counter, members: []) }
        for family in families { self.register(family) }
        self.samplings.withLock { $0.append(Sampling(families: families, read: read)) }
    }

    /// A gauge that is always 1 and says what it has to say by its labels.
    package func information(_ name: String, _ help: String, _ labels: [MetricLabel]) {
        self.register(Family(name: name, help: help, kind: .gauge, members: [Member(labels, .reading({ 1 }))]))
    }

    private func register<Labels: MetricLabels, Metric: Sendable>(
        _ name: String,
        _ help: String,
        _ kind: Family.Kind,
        _ values: some Collection<Labels>,
        _ make: () -> Metric,
        _ source: (Metric) -> Source
    ) -> MetricSeries<Labels, Metric> {
        var metrics: [Labels: Metric] = [:]
        var members: [Member] = []
        for value in values where metrics[value] == nil {
            let metric = make()
            metrics[value] = metric
            members.append(Member(value.metricLabels, source(metric)))
        }
        self.register(Family(name: name, help: help, kind: kind, members: members))
        return MetricSeries(metrics)
    }

    private func register(_ family: Family) {
        precondition(Self.isName(family.name), "no name of a metric: \(family.name)")
        for label in family.members.flatMap(\.labels) {
            precondition(Self.isName(label.name) && label.name != "le", "no name of a label: \(label.name)")
        }
        let former = self.families.withLock { $0.updateValue(family, forKey: family.name) }
        precondition(former == nil, "registered twice: \(family.name)")
    }

    /// Without the colon, which is for rules of Prometheus.
    private static func isName(_ name: String) -> Bool {
        name.utf8.first.map { !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? false
            && name.utf8.allSatisfy { byte in
                byte == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            }
    }

    // MARK: - Reading

    /// What ``text()`` is, as the header field `Content-Type` says it.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// All metrics in Prometheus' text format, sorted by name.
    package func text() -> String {
        var text = MetricText()
        // What reads is not run under the lock.
        var families = self.families.withLock { $0 }
        for sampling in self.samplings.withLock({ $0 }) {
            for (family, samples) in zip(sampling.families, sampling.read()) {
                families[family.name] = Family(
                    name: family.name, help: family.help, kind: family.kind,
                    members: samples.map { sample in Member(sample.labels, .reading({ sample.value })) })
            }
        }
        for family in families.values.sorted(by: { $0.name < $1.name }) { text.append(family) }
        return text.text
    }
}

extension MetricRegistry.Member {
    fileprivate init(_ labels: [MetricLabel], _ source: MetricRegistry.Source) {
        self.init(labels: labels, source: source)
    }
}
