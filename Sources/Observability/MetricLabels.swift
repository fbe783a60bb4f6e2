/// A label of a metric: `code="200"`.
package struct MetricLabel: Hashable, Sendable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// A member of a metric, and what it is now.
package struct MetricSample: Hashable, Sendable {
    package let labels: [MetricLabel]
    package let value: Double

    package init(_ labels: [MetricLabel], _ value: Double) {
        self.labels = labels
        self.value = value
    }
}

/// A value by which a metric is split, such as the IP family. All there are is said when the metric is
/// registered: what comes from a cluster, as names of Services do, can be no label, so the number of series
/// has a bound. Where it has to be one, the metric is sampled (``MetricRegistry/counters(_:sample:)``).
package protocol MetricLabels: Hashable, Sendable {
    /// The same names for every value.
    var metricLabels: [MetricLabel] { get }
}

/// One metric for each value of its labels.
package struct MetricSeries<Labels: MetricLabels, Metric: Sendable>: Sendable {
    private let members: [Labels: Metric]

    init(_ members: [Labels: Metric]) {
        self.members = members
    }

    /// nil for a value that the metric was not registered for.
    package subscript(labels: Labels) -> Metric? { self.members[labels] }

    package var all: some Collection<Metric> { self.members.values }
}
