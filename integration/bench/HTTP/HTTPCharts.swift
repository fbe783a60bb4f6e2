/// What a run has found out, as plots.
extension HTTPReport {
    static func charts(_ results: HTTPResults) -> [Chart] {
        [self.costs(results), self.latencies(results), self.changes(results)].compactMap { $0 }
    }

    private static func chart(
        _ name: String, _ title: String, _ unit: String, _ results: HTTPResults, _ groups: [Chart.Group]
    ) -> Chart? {
        let groups = groups.filter { !$0.values.isEmpty }
        if groups.isEmpty { return nil }
        return Chart(
            name: name, title: title, unit: unit, names: results.proxies.map(\.name), shape: .bars(groups))
    }

    private static func costs(_ results: HTTPResults) -> Chart? {
        // Bodies of 1 MiB and handshakes would leave nothing to see of the others.
        let measures: [(String, Saturation)] = [
            ("HTTP/1.1", .keepAlive), ("1,000 hosts x 5 paths", .manyHosts), ("TLS 1.3", .tlsKeepAlive),
            ("HTTP/2 over TLS", .http2), ("gRPC over TLS to h2c", .calls),
        ]
        return self.chart(
            "http-cpu", "Processor time for each request", "us", results,
            measures.map { label, measure in
                Chart.Group(
                    label: label,
                    values: results.proxies.enumerated().compactMap { place, proxy in
                        self.value(place, results.saturation.costs(measure, proxy))
                    })
            })
    }

    private static func latencies(_ results: HTTPResults) -> Chart? {
        let groups = results.fixedLoads.flatMap { fixed in
            fixed.rates.enumerated().map { rate, named in
                Chart.Group(
                    label: "\(fixed.load.name), \(Table.grouped(named.requests))/s",
                    values: results.proxies.enumerated().compactMap { place, proxy in
                        let p99 = fixed.p99(rate, .proxy(proxy))
                        let middle = p99.medianInterval
                        return p99.isEmpty
                            ? nil : Chart.Value(of: place, figure: p99.median, least: middle.lower, most: middle.upper)
                    })
            }
        }
        return self.chart(
            "http-p99", "p99 at a fixed load, median of rounds and where it lies with 95 %", "us", results, groups)
    }

    private static func changes(_ results: HTTPResults) -> Chart? {
        func group(_ label: String, _ durations: (RouteChanges.Sample) -> [Duration]) -> Chart.Group {
            Chart.Group(
                label: label,
                values: results.proxies.enumerated().compactMap { place, proxy in
                    self.value(
                        place, results.changes[proxy].map { durations($0).map { $0 / .milliseconds(1) } } ?? [])
                })
        }
        return self.chart(
            "http-changes", "One host more or less among 1,000", "ms", results,
            [group("until it is in force", \.effect), group("processor time") { [$0.cost] }])
    }

    private static func value(_ place: Int, _ figures: [Double]) -> Chart.Value? {
        guard let least = figures.min(), let most = figures.max() else { return nil }
        return Chart.Value(of: place, figure: figures.median, least: least, most: most)
    }
}
