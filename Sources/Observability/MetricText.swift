/// Metrics as Prometheus reads them: the text exposition format 0.0.4
/// (prometheus.io/docs/instrumenting/exposition_formats).
struct MetricText {
    private(set) var text = ""

    mutating func append(_ family: MetricRegistry.Family) {
        self.text += "# HELP \(family.name) \(Self.escaped(family.help))\n"
        self.text += "# TYPE \(family.name) \(family.kind.rawValue)\n"
        for member in family.members {
            switch member.source {
            case .counter(let counter): self.line(family.name, member.labels, "\(counter.value)")
            case .gauge(let gauge): self.line(family.name, member.labels, Self.number(gauge.value))
            case .reading(let read):
                if let value = read() { self.line(family.name, member.labels, Self.number(value)) }
            case .histogram(let histogram): self.append(histogram.snapshot, family.name, member.labels)
            case .histogramReading(let read): self.append(read(), family.name, member.labels)
            }
        }
    }

    private mutating func append(_ snapshot: HistogramReading, _ name: String, _ labels: [MetricLabel]) {
        var count: UInt64 = 0
        for (bound, observations) in zip(snapshot.bounds + [.infinity], snapshot.counts) {
            count += observations
            self.line("\(name)_bucket", labels + [MetricLabel("le", Self.number(bound))], "\(count)")
        }
        self.line("\(name)_sum", labels, Self.number(snapshot.sum))
        self.line("\(name)_count", labels, "\(count)")
    }

    private mutating func line(_ name: String, _ labels: [MetricLabel], _ value: String) {
        self.text += name
        if !labels.isEmpty {
            self.text += "{"
            for (index, label) in labels.enumerated() {
                self.text += index == 0 ? "" : ","
                self.text += "\(label.name)=\"\(Self.escaped(label.value, quotes: true))\""
            }
            self.text += "}"
        }
        self.text += " \(value)\n"
    }

    /// As Go reads a number. Whole numbers have no point.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return Int64(exactly: value).map { "\($0)" } ?? "\(value)"
    }

    private static func escaped(_ text: String, quotes: Bool = false) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
