extension Bar {
    /// Of those measures that the run had.
    static func all(_ results: HTTPResults) -> [Bar] {
        let runs = results.saturation
        let peers: [Proxy] = [.nginx, .haproxy]
        var bars: [Bar] = []
        func add(_ measure: Saturation, _ limit: Double, beside others: [Proxy]) {
            let figure = runs.ratios(measure, .fairlead, to: others).median
            let name = "\(measure.title): CPU, beside \(others.map(\.name).joined(separator: " and "))"
            bars.append(Bar(name: name, limit: limit, unit: self.ratio, figure: figure))
        }
        add(.keepAlive, 1, beside: peers)
        bars.append(
            Bar(
                name: "1,000 hosts x 5 paths: CPU, beside one host", limit: 1.05, unit: self.ratio,
                figure: runs.ratios(.manyHosts, to: .keepAlive, .fairlead).median))
        for measure in [Saturation.tlsKeepAlive, .tlsFull, .tlsResumed] { add(measure, 1.1, beside: [.nginx]) }
        for measure in [Saturation.download, .upload] { add(measure, 1, beside: [.haproxy]) }
        add(.http2, 1, beside: peers)
        add(.calls, 0.5, beside: [.envoy])
        for fixed in results.fixedLoads {
            for (place, rate) in fixed.rates.enumerated() {
                // Beside each by itself: the better of two in one round is mostly the luckier one.
                let ratios = peers.map { fixed.ratios(place, to: $0) }.filter { !$0.isEmpty }
                let worst = ratios.max { $0.median < $1.median } ?? []
                bars.append(
                    Bar(
                        name:
                            "\(fixed.load.name), \(Table.grouped(rate.requests)) a second: p99, beside nginx and HAProxy",
                        limit: 1, unit: self.ratio, figure: worst.median, interval: worst.medianInterval))
            }
        }
        bars.append(
            Bar(
                name: "5,000 idle connections: private memory of each", limit: 1200, unit: " bytes",
                figure: (results.idle[.fairlead] ?? []).map(\.privateDirty).median, places: 0))
        bars.append(
            Bar(
                name: "allocations per request", limit: 0, unit: "",
                figure: results.allocations[.fairlead]?.allocations ?? .nan, places: 4))
        return bars
    }
}
