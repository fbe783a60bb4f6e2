import Lab

/// What a run has found out, as tables and a plot.
enum StreamReport {
    private static let peers: [Proxy] = [.nginx, .haproxy]

    static func findings(_ results: StreamResults) -> Findings {
        var tables: [Table] = []
        for measure in StreamMeasure.groups.joined() where results.samples.measures.contains(measure) {
            tables.append(self.table(measure, results))
        }
        if !results.idle.isEmpty {
            tables.append(
                MemorySample.table(
                    "f: \(self.idleConnections(results)) idle connections",
                    """
                    Bytes of userspace memory for each client's connection, with the one to the backend, after one exchange of \
                    64 bytes; of a process that was warm before. nginx has made its table of connections before.
                    """, results.idle))
        }
        return Findings(
            tables: [Bar.table(self.bars(results), self.preamble(results))] + Table.byLetter(tables),
            charts: [self.chart(results)])
    }

    /// Units differ from one measure to the next, so all of it is beside nginx.
    private static func chart(_ results: StreamResults) -> Chart {
        let groups = StreamMeasure.groups.joined().map { measure in
            Chart.Group(
                label: measure.title,
                values: results.proxies.enumerated().compactMap { place, proxy in
                    let ratios = results.samples.ratios(measure, proxy, to: [.nginx])
                    guard let least = ratios.min(), let most = ratios.max() else { return nil }
                    return Chart.Value(of: place, figure: ratios.median, least: least, most: most)
                })
        }
        return Chart(
            name: "stream-cpu", title: "Userspace balancer: processor time beside nginx'", unit: "x",
            names: results.proxies.map(\.name), shape: .bars(groups.filter { !$0.values.isEmpty }))
    }

    private static func bars(_ results: StreamResults) -> [Bar] {
        var bars: [Bar] = []
        for measure in StreamMeasure.groups.joined() where measure != .exchanges {
            let others = measure.supported(self.peers)
            bars.append(
                Bar(
                    name: "\(measure.title): CPU, beside \(others.map(\.name).joined(separator: " and "))", limit: 1,
                    unit: Bar.ratio, figure: results.samples.ratios(measure, .fairlead, to: others).median))
        }
        bars.append(
            Bar(
                name: "\(self.idleConnections(results)) idle connections: private memory of each",
                limit: 2000, unit: " bytes", figure: (results.idle[.fairlead] ?? []).map(\.privateDirty).median,
                places: 0))
        return bars
    }

    private static func idleConnections(_ results: StreamResults) -> String {
        Table.grouped(results.idle.values.joined().map(\.connections).min() ?? 0)
    }

    private static func preamble(_ results: StreamResults) -> String {
        """
        \(results.versions.joined(separator: ", ")). One worker each, on processor 0; clients and backend are one thread on \
        processor 1; all of it in one network namespace. The configurations of the peers are in \
        `integration/bench/Stream/peers`: HAProxy in TCP mode splices, with pipes of Fairlead's size; nginx has its stream module and copies. \
        \(results.rounds) rounds of \(results.seconds) s for each figure, all proxies in turn in each; figures are medians of \
        the rounds, *spread* is from the smallest round to the largest as a share of that, and ratios are medians of the \
        ratios within a round, of CPU beside the better of the others. The load of the machine was \(results.loadBefore) \
        before and \(results.loadAfter) after. A round is *flagged* if a proxy had less than \
        \(Table.percent(StreamMeasure.saturation)) of its processor, so that it was not the narrow place, or if others had \
        more than \(Table.percent(Sample.disturbance)) of that processor.
        """
    }

    private static func note(_ measure: StreamMeasure) -> String {
        switch measure.load {
        case .tcp(.download):
            """
            \(measure.connections) connections on which the backend sends as fast as it can. *GB per CPU-second*: bytes that \
            arrived for each second of processor time of the proxy's processes.
            """
        case .tcp(.upload): "As above, with the clients as those who send."
        case .tcp(.connection):
            """
            \(measure.connections) clients at a time. Each connects, sends, and reads the answer and the end; the backend closes \
            first. Times are from the connect to the end.
            """
        case .tcp(.exchange): "\(measure.connections) connections, each with one exchange after the other."
        case .udp:
            """
            \(StreamMeasure.udpClients) sockets take turns, \(measure.connections) with a datagram under way at a time. An echo \
            is two packets. *Lost*: datagrams that had not come back after \(MeasuredDatagrams.patience.milliseconds) ms, in all \
            rounds.
            """
        }
    }

    private static func table(_ measure: StreamMeasure, _ results: StreamResults) -> Table {
        let unit = measure.unit
        let isBulk = unit == .bytes
        let header =
            isBulk
            ? ["", "GB per CPU-second", "spread", "ratio", "GB/s", "processor", "flagged", "errors"]
            : [
                "", "CPU us/\(unit.singular)", "spread", "ratio", "\(unit) per CPU-second", "\(unit)/s", "p50", "p99",
                "processor", "flagged", unit == .packets ? "lost" : "errors",
            ]
        var table = Table("\(measure.letter): \(measure.title)", self.note(measure), header)
        for target in results.proxies.map(Target.proxy) + [.direct] {
            let samples = results.samples[measure, target]
            if samples.isEmpty { continue }
            let costs = samples.map(\.cost)
            var ratio = Double.nan
            if case .proxy(let proxy) = target {
                let others = measure.supported(self.peers)
                ratio = results.samples.ratios(measure, proxy, to: others).median
            }
            // Without a proxy there is no processor time of one.
            func ofProxy(_ text: @autoclosure () -> String) -> String { target == .direct ? "" : text() }
            let figures = samples.map(\.figures)
            var row = [target.name]
            if isBulk {
                row.append(ofProxy(Table.decimal(costs.map { 1 / $0 / 1000 }.median, 2)))
            } else {
                row.append(ofProxy(Table.decimal(costs.median, 2)))
            }
            row += [ofProxy(Table.percent(costs.spread)), ofProxy(Table.factor(ratio))]
            if isBulk {
                row.append(Table.decimal(figures.map(\.perSecond).median / 1e9, 2))
            } else {
                row += [
                    ofProxy(Table.grouped(Int(1e6 / costs.median))),
                    Table.grouped(Int(figures.map(\.perSecond).median)),
                    Table.latency(microseconds: figures.map(\.p50).median),
                    Table.latency(microseconds: figures.map(\.p99).median),
                ]
            }
            row += [
                ofProxy(Table.percent(samples.map(\.share).median)),
                ofProxy("\(samples.count { $0.isFlagged(below: StreamMeasure.saturation) }) of \(samples.count)"),
                "\(figures.reduce(0) { $0 + $1.failures })",
            ]
            table.rows.append(row)
        }
        return table
    }
}
