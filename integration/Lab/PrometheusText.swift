/// Metrics as Prometheus would read them: a strict parser of the text exposition format 0.0.4, written from
/// its description (prometheus.io/docs/instrumenting/exposition_formats) and not from what writes it here.
package struct PrometheusText: Sendable {
    package struct Sample: Hashable, Sendable {
        package let name: String
        package let labels: [String: String]
        package let value: Double
    }

    package struct Family: Hashable, Sendable {
        package let name: String
        package let help: String
        /// `counter`, `gauge`, `histogram`.
        package let type: String
        package fileprivate(set) var samples: [Sample] = []
    }

    package private(set) var families: [String: Family] = [:]

    /// Throws ``LabError`` with the line that is wrong.
    package init(_ text: String) throws {
        guard text.hasSuffix("\n") else { throw LabError("the last line has no end") }
        var current: Family?
        var help: (name: String, text: String)?
        var seen: Set<String> = []
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().enumerated() {
            func fail(_ reason: String) -> LabError { LabError("line \(number + 1): \(reason): \(line)") }
            if line.hasPrefix("# HELP ") {
                let parts = line.dropFirst(7).split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2, Self.isName(parts[0]) else { throw fail("no help") }
                help = (String(parts[0]), String(parts[1]))
            } else if line.hasPrefix("# TYPE ") {
                let parts = line.dropFirst(7).split(separator: " ", omittingEmptySubsequences: false)
                guard parts.count == 2, ["counter", "gauge", "histogram"].contains(parts[1]) else {
                    throw fail("no type")
                }
                guard let described = help, described.name == parts[0] else { throw fail("a type without its help") }
                if let current { self.families[current.name] = current }
                guard self.families[described.name] == nil else { throw fail("a metric in two places") }
                current = Family(name: described.name, help: described.text, type: String(parts[1]))
                help = nil
            } else {
                guard let sample = Self.sample(line) else { throw fail("no sample") }
                guard let family = current, Self.belongs(sample.name, to: family) else {
                    throw fail("a sample of no metric")
                }
                let labels = sample.labels.sorted { $0.key < $1.key }
                guard seen.insert("\(sample.name)\(labels)").inserted else { throw fail("given twice") }
                current?.samples.append(sample)
            }
        }
        if let current { self.families[current.name] = current }
        for family in self.families.values where family.type == "histogram" { try Self.checkHistogram(family) }
        for family in self.families.values where family.type == "counter" {
            guard family.samples.allSatisfy({ $0.value >= 0 }) else { throw LabError("\(family.name): below zero") }
        }
    }

    /// The value of a series; nil if there is none.
    package subscript(name: String, labels: [String: String]) -> Double? {
        let base = ["_bucket", "_sum", "_count"].lazy.compactMap { suffix in
            name.hasSuffix(suffix) ? self.families[String(name.dropLast(suffix.count))] : nil
        }.first
        return (self.families[name] ?? base)?.samples.first { $0.name == name && $0.labels == labels }?.value
    }

    // MARK: - Lines

    private static func belongs(_ sample: String, to family: Family) -> Bool {
        guard family.type == "histogram" else { return sample == family.name }
        return ["_bucket", "_sum", "_count"].contains { sample == family.name + $0 }
    }

    private static func isName(_ text: Substring, colons: Bool = true) -> Bool {
        guard let first = text.unicodeScalars.first, !("0"..."9").contains(first) else { return false }
        return text.unicodeScalars.allSatisfy { scalar in
            ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
                || scalar == "_" || (colons && scalar == ":")
        }
    }

    /// `name{label="value",...} value`
    private static func sample(_ line: Substring) -> Sample? {
        let name = line.prefix { $0 != "{" && $0 != " " }
        guard self.isName(name) else { return nil }
        var rest = line.dropFirst(name.count)
        var labels: [String: String] = [:]
        if rest.first == "{" {
            rest.removeFirst()
            while true {
                let label = rest.prefix { $0 != "=" }
                rest = rest.dropFirst(label.count)
                guard self.isName(label, colons: false), rest.hasPrefix("=\"") else { return nil }
                rest = rest.dropFirst(2)
                guard let value = self.quoted(&rest), labels.updateValue(value, forKey: String(label)) == nil else {
                    return nil
                }
                let separator = rest.popFirst()
                if separator == "}" { break }
                guard separator == "," else { return nil }
            }
        }
        guard rest.popFirst() == " ", let value = self.number(rest) else { return nil }
        return Sample(name: String(name), labels: labels, value: value)
    }

    /// The rest of a quoted text, and what it stands for.
    private static func quoted(_ rest: inout Substring) -> String? {
        var text = ""
        while let character = rest.popFirst() {
            switch character {
            case "\"": return text
            case "\\":
                switch rest.popFirst() {
                case "\\": text += "\\"
                case "\"": text += "\""
                case "n": text += "\n"
                default: return nil
                }
            default: text.append(character)
            }
        }
        return nil
    }

    private static func number(_ text: Substring) -> Double? {
        switch text {
        case "+Inf": .infinity
        case "-Inf": -.infinity
        case "NaN": .nan
        default: text.allSatisfy { "0123456789.e+-".contains($0) } ? Double(text) : nil
        }
    }

    // MARK: - Histograms

    private static func checkHistogram(_ family: Family) throws {
        func fail(_ reason: String) -> LabError { LabError("\(family.name): \(reason)") }
        var series: [[String: String]: [Sample]] = [:]
        for sample in family.samples {
            var labels = sample.labels
            labels["le"] = nil
            series[labels, default: []].append(sample)
        }
        for (labels, samples) in series {
            let buckets = samples.filter { $0.name.hasSuffix("_bucket") }
            let bounds = buckets.map { $0.labels["le"].flatMap { self.number($0[...]) } ?? .nan }
            guard bounds.last == .infinity, zip(bounds, bounds.dropFirst()).allSatisfy({ $0 < $1 }) else {
                throw fail("buckets \(bounds) of \(labels)")
            }
            guard zip(buckets, buckets.dropFirst()).allSatisfy({ $0.value <= $1.value }) else {
                throw fail("buckets of \(labels) do not add up")
            }
            let count = samples.first { $0.name == "\(family.name)_count" }
            guard count?.labels == labels, count?.value == buckets.last?.value,
                samples.contains(where: { $0.name == "\(family.name)_sum" && $0.labels == labels })
            else { throw fail("count or sum of \(labels)") }
        }
    }
}
