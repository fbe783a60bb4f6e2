/// What a run has found out, as tables; plots are in HTTPCharts.swift.
enum HTTPReport {
    static func findings(_ results: HTTPResults) -> Findings {
        var tables: [Table] = []
        for measure in Saturation.groups.joined() where results.saturation.measures.contains(measure) {
            tables.append(self.table(measure, results))
        }
        for fixed in results.fixedLoads { tables += self.tables(fixed, results) }
        if !results.idle.isEmpty { tables.append(self.idle(results)) }
        if !results.allocations.isEmpty { tables.append(self.allocations(results)) }
        if !results.changes.isEmpty { tables.append(self.changes(results)) }
        return Findings(
            tables: [Bar.table(Bar.all(results), self.preamble(results))] + Table.byLetter(tables),
            charts: self.charts(results))
    }

    private static func preamble(_ results: HTTPResults) -> String {
        """
        \(results.versions.joined(separator: ", ")). One worker each, on processor 0; backend and load share \
        processor 1; all of it in one network namespace. The configurations of the peers are in \
        `integration/bench/HTTP/peers`: connections to the backend are kept, logs are off, every proxy adds \
        `X-Forwarded-For`, `-Proto` and the like. \(results.rounds) rounds of \(results.seconds) s for each figure, \
        more and shorter ones for latencies at a fixed load, all proxies in turn in each; figures are medians of the rounds, *spread* is from the smallest round to the \
        largest as a share of that, and ratios are medians of the ratios within a round. The load of the machine was \
        \(results.loadBefore) before and \(results.loadAfter) after. A round is *flagged* if a proxy had less than \
        \(Table.percent(Saturation.saturation)) of its processor, so that it was not the narrow place, or if others had more \
        than \(Table.percent(Sample.disturbance)) of that processor.
        """
    }

    // MARK: - Saturation

    private static func note(_ measure: Saturation, _ results: HTTPResults) -> String {
        let others = "beside the better of nginx and HAProxy in the same round"
        let common = """
            \(measure.connections) connections, each with one request after the other. *CPU*: processor time of the \
            proxy's processes; *ratio*: \(others); *upstream*: connections that the backend accepted in a round, \
            for how many requests.
            """
        switch measure {
        case .keepAlive: return "\(common) By wrk."
        case .manyHosts:
            return "As a, with other routes. *To one host*: CPU beside that of the same proxy in a, in the same round."
        case .tlsKeepAlive:
            let agreed = results.proxies.compactMap { proxy in
                results.negotiated[proxy].map { "\(proxy.name): \($0.what)\($0.resumes ? "" : ", no resumption")" }
            }
            return "\(common) A P-256 certificate; AES-128-GCM and X25519 for all. \(agreed.joined(separator: "; "))."
        case .tlsFull: return "As above, on a connection of its own each; the client never takes up a session."
        case .tlsResumed: return "As above; the client takes up the session that it was given last."
        case .download: return "\(common) CPU in nanoseconds for each KiB of body."
        case .http2:
            return """
                \(H2Load.connections) connections with \(H2Load.streams) requests under way on each, by h2load; \
                AES-128-GCM and X25519 for all. The rest as in a.
                """
        case .calls:
            return """
                As above, with unary calls; the backend is nghttpd, which ends each answer with `grpc-status: 0`. nginx \
                has one call at a time on a connection to the backend, the others have many.
                """
        default: return "As above, with the body in the request."
        }
    }

    private static func table(_ measure: Saturation, _ results: HTTPResults) -> Table {
        let runs = results.saturation
        let isMany = measure == .manyHosts
        var header = [
            "", measure.kibibytes == nil ? "CPU us/request" : "CPU ns/KiB", "spread", "ratio", "requests/s", "p50",
            "p99",
            "processor", "flagged", "upstream", "errors",
        ]
        if isMany { header.insert("to one host", at: 4) }
        var table = Table(
            "\(measure.letter): \(measure.title)", self.note(measure, results), header)
        for target in results.proxies.map(Target.proxy) + [.direct] {
            let samples = runs[measure, target]
            if samples.isEmpty { continue }
            let unit = measure.kibibytes.map { 1000 / $0 } ?? 1
            let costs = samples.map { $0.cost * unit }
            var ratio = ""
            var toOne: [Double] = []
            if case .proxy(let proxy) = target {
                ratio = Table.factor(runs.ratios(measure, proxy, to: [.nginx, .haproxy]).median)
                toOne = runs.ratios(measure, to: .keepAlive, proxy)
            }
            let reached = samples.compactMap(\.backend)
            let (connections, requests) = reached.reduce((0, 0)) { ($0.0 + $1.connections, $0.1 + $1.requests) }
            var row = [
                target.name + (measure.isTLS && target == .direct ? ", no TLS" : ""),
                Table.decimal(costs.median, measure.kibibytes == nil ? 2 : 1), Table.percent(costs.spread),
                ratio, Table.grouped(Int(samples.map(\.figures.perSecond).median)),
                Table.latency(microseconds: samples.map(\.figures.p50).median),
                Table.latency(microseconds: samples.map(\.figures.p99).median),
                Table.percent(samples.map(\.share).median),
                "\(samples.count { $0.isFlagged(below: Saturation.saturation) }) of \(samples.count)",
                reached.isEmpty
                    ? ""
                    : "\(Table.grouped(connections / reached.count)) for \(Table.grouped(requests / reached.count))",
                "\(samples.reduce(0) { $0 + $1.figures.failures })",
            ]
            if case .direct = target { row[8] = "" }
            if isMany { row.insert(Table.factor(toOne.median), at: 4) }
            table.rows.append(row)
        }
        return table
    }

    // MARK: - The others

    private static func note(_ load: FixedLoad.Load, _ results: HTTPResults) -> String {
        let rounds = "\(load.rounds(results.latencyRounds)) rounds of \(Table.decimal(load.time / .seconds(1), 1)) s."
        switch load {
        case .http1:
            return """
                \(rounds) An open loop on \(FixedLoad.connections) connections: a request is sent when it is due, and its latency \
                counts from then to its last byte. *Over direct*: what p99 is beyond that of the backend without a proxy. \
                *Beside*: Fairlead's p99 divided by this one's in the same round, the median of the rounds, and between which \
                values that lies with 95 % confidence. The bar is about the worse of nginx' and HAProxy's.
                """
        case .h2load:
            return
                "\(rounds) By h2load: all of its \(H2Load.connections) connections send their requests at the same moments."
        }
    }

    private static func tables(_ fixed: FixedLoad.Results, _ results: HTTPResults) -> [Table] {
        fixed.rates.enumerated().map { place, rate in
            var table = Table(
                "\(fixed.load.letter): latency of \(fixed.load.name) at \(rate.name)", self.note(fixed.load, results),
                ["", "p50", "p99", "over direct", "beside", "spread", "p99.9", "CPU us/request", "errors"])
            let direct = fixed.p99(place, .direct).median
            for target in results.proxies.map(Target.proxy) + [.direct] {
                let samples = fixed.samples[place]?[target] ?? []
                if samples.isEmpty { continue }
                let p99 = samples.map(\.figures.p99)
                table.rows.append([
                    target.name, Table.latency(microseconds: samples.map(\.figures.p50).median),
                    Table.latency(microseconds: p99.median),
                    target == .direct || direct.isNaN
                        ? "" : Table.latency(microseconds: p99.median - direct),
                    self.beside(target, fixed, place), Table.percent(p99.spread),
                    Table.latency(microseconds: samples.map(\.figures.p999).median),
                    Table.decimal(samples.map(\.cost).median, 2),
                    "\(samples.reduce(0) { $0 + $1.figures.failures })",
                ])
            }
            return table
        }
    }

    private static func beside(_ target: Target, _ fixed: FixedLoad.Results, _ place: Int) -> String {
        guard case .proxy(let other) = target, other != .fairlead else { return "" }
        let ratios = fixed.ratios(place, to: other)
        let interval = ratios.medianInterval
        return "\(Table.factor(ratios.median)) (\(Table.factor(interval.lower)) to \(Table.factor(interval.upper)))"
    }

    private static func idle(_ results: HTTPResults) -> Table {
        MemorySample.table(
            "e: \(Table.grouped(IdleConnections.connections)) idle keep-alive connections",
            """
            Bytes of userspace memory for each client connection that has made one request and waits, of a process that was \
            warm before: differences of `smaps_rollup`.
            """, results.idle)
    }

    private static func allocations(_ results: HTTPResults) -> Table {
        var table = Table(
            "h: allocations for each request",
            """
            Calls of `malloc` and the like in \(Table.grouped(Allocations.requests)) requests on 64 connections, after \
            \(Table.grouped(Allocations.warmUp)) others on the same connections. Envoy brings an allocator of its own, \
            which cannot be counted so.
            """,
            ["", "allocations", "frees"])
        for proxy in results.proxies {
            guard let sample = results.allocations[proxy] else { continue }
            table.rows.append([proxy.name, Table.decimal(sample.allocations, 4), Table.decimal(sample.frees, 4)])
        }
        return table
    }

    private static func changes(_ results: HTTPResults) -> Table {
        var table = Table(
            "i: changes of routes, \(Table.grouped(Saturation.manyHosts.hosts)) hosts x 5 paths",
            """
            One host more and one less, \(Table.grouped(RouteChanges.changes)) changes. *In force*: from before the file is written to \
            the first answer that shows it, asked every 0.5 ms. *CPU*: for how long the proxy's processor was busy, for each change; in ticks of 10 ms over all of them. *p99*: of \
            \(Table.grouped(RouteChanges.rate)) requests a second to another host on 64 connections, without changes and with five a \
            second; *failed* of them. Of those whose new workers close connections that are kept only the time is taken.
            """,
            ["", "how", "in force p50", "spread", "slowest", "CPU", "p99", "p99, changing", "failed"])
        for proxy in results.proxies {
            guard let sample = results.changes[proxy] else { continue }
            table.rows.append([
                proxy.name, proxy.wayOfChanges, Table.milliseconds(sample.effect.median),
                Table.percent(sample.effect.spread), Table.milliseconds(sample.effect.max() ?? .zero),
                Table.milliseconds(sample.cost), Table.latency(microseconds: sample.calm?.p99 ?? .nan),
                Table.latency(microseconds: sample.changing?.p99 ?? .nan),
                sample.changing.map { "\($0.failures) of \(Table.grouped($0.count))" } ?? "",
            ])
        }
        return table
    }
}
