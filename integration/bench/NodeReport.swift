/// What the measurements of the node role have found out, as tables and plots.
enum NodeReport {
    static func findings(_ results: [Result]) -> Findings {
        var first = Table(
            "First programming",
            """
            Processor time until the rules are in force. *Process*: from the start of `fairlead node`, reading and \
            validating the manifests included. *Programming*: wall time from objects in memory to the kernel's \
            acknowledgement, one transaction. Beside it, in turn with it, `nft -f` of the same table, and of one \
            chain and one anonymous map per Service, which is kube-proxy's layout (not for Services with session \
            affinity). Medians; *spread* is from the smallest to the largest process CPU as a share of it.
            """,
            [
                "services x endpoints", "process CPU", "spread", "process wall", "programming", "netlink bytes",
                "nft, same table",
                "nft, per-service", "per-service / process",
            ])
        var changes = Table(
            "One change of one endpoint",
            """
            From before the file is written and renamed into its place to the kernel's announcement of the commit, with \
            everything else standing: 300 changes, in turn an endpoint more, replaced, and less.
            """,
            ["services x endpoints", "p50", "p90", "p99", "slowest", "netlink bytes, largest"])
        var restarts = Table(
            "Restart after kill -9, and memory",
            "The kernel is read back and compared; nothing is written. Peak resident memory of the whole process.",
            [
                "services x endpoints", "process CPU", "process wall", "peak memory, first start",
                "peak memory, restart",
            ])
        for result in results {
            let process = result.firstProcessor.median
            let ratio =
                process > .zero && !result.perServiceLayout.isEmpty ? result.perServiceLayout.median / process : 0
            first.rows.append([
                "\(result.scale)", Table.milliseconds(process), Table.percent(result.firstProcessor.spread),
                Table.milliseconds(result.firstWall.median),
                Table.milliseconds(result.programming.median), Table.grouped(result.bytes),
                result.sameLayout.isEmpty ? "" : Table.milliseconds(result.sameLayout.median),
                result.perServiceLayout.isEmpty ? "" : Table.milliseconds(result.perServiceLayout.median),
                result.perServiceLayout.isEmpty ? "" : Table.ratio(ratio),
            ])
            changes.rows.append([
                "\(result.scale)", Table.milliseconds(result.changes.percentile(0.5)),
                Table.milliseconds(result.changes.percentile(0.9)), Table.milliseconds(result.changes.percentile(0.99)),
                Table.milliseconds(result.changes.max() ?? .zero), Table.grouped(result.changeBytes.max() ?? 0),
            ])
            restarts.rows.append([
                "\(result.scale)", Table.milliseconds(result.restartProcessor.median),
                Table.milliseconds(result.restartWall.median), Table.megabytes(result.peakMemory),
                Table.megabytes(result.restartPeakMemory),
            ])
        }
        return Findings(
            tables: [Bar.table(Bar.all(results), ""), first, changes, restarts], charts: self.charts(results))
    }

    static func findings(_ results: [ClusterResult]) -> Findings {
        var start = Table(
            "Start, change, restart",
            """
            *Start*: from the start of the process, with an empty table, until the last Service answers a client. *Change*: one \
            EndpointSlice is changed; from the event on the wire to the first connection that the new endpoint \
            answers. *Restart*: after kill -9 and a change; from the start of the process until the changed Service \
            is answered by the new endpoint. API server, client and endpoints run on the same cores. Medians where \
            nothing else is said; processor time and memory are the process's own.
            """,
            [
                "services x endpoints", "start", "spread", "start, CPU", "change p50", "change p99", "slowest",
                "restart", "restart, CPU", "peak memory, start", "peak memory, restart",
            ])
        for result in results {
            start.rows.append([
                "\(result.scale)", Table.milliseconds(result.start.median), Table.percent(result.start.spread),
                Table.milliseconds(result.startProcessor.median),
                Table.milliseconds(result.changes.percentile(0.5)), Table.milliseconds(result.changes.percentile(0.99)),
                Table.milliseconds(result.changes.max() ?? .zero), Table.milliseconds(result.restart.median),
                Table.milliseconds(result.restartProcessor.median), Table.megabytes(result.peakMemory),
                Table.megabytes(result.restartPeakMemory),
            ])
        }
        return Findings(tables: [Bar.table(Bar.all(results), ""), start], charts: [self.chart(results)])
    }

    // MARK: - Plots

    private static func charts(_ results: [Result]) -> [Chart] {
        let plain = results.filter { !$0.scale.hasAffinity && $0.scale.services > 1 }
        func line(_ place: Int, _ figure: (Result) -> Duration?) -> Chart.Line {
            Chart.Line(
                of: place,
                points: plain.compactMap { result in
                    figure(result).map { (Double(result.scale.services), $0 / .milliseconds(1)) }
                })
        }
        return [
            Chart(
                name: "programming", title: "First programming: processor time until the rules are in force",
                unit: "ms",
                names: ["Fairlead, the whole process", "nft, the same table", "nft, a chain and a map per Service"],
                shape: .lines(
                    [
                        line(0) { $0.firstProcessor.median },
                        line(1) { $0.sameLayout.isEmpty ? nil : $0.sameLayout.median },
                        line(2) { $0.perServiceLayout.isEmpty ? nil : $0.perServiceLayout.median },
                    ], x: "Services with 10 endpoints each")),
            Chart(
                name: "change", title: "One change of one endpoint, from the file to the kernel's commit", unit: "ms",
                names: ["p50", "p90", "p99"],
                shape: .lines(
                    [0.5, 0.9, 0.99].enumerated().map { place, share in line(place) { $0.changes.percentile(share) } },
                    x: "Services with 10 endpoints each")),
        ]
    }

    private static func chart(_ results: [ClusterResult]) -> Chart {
        func line(_ place: Int, _ figure: (ClusterResult) -> Duration) -> Chart.Line {
            Chart.Line(of: place, points: results.map { (Double($0.scale.services), figure($0) / .milliseconds(1)) })
        }
        return Chart(
            name: "cluster", title: "With an API server", unit: "ms",
            names: ["start to the last Service", "restart to the changed Service", "change p50", "change p99"],
            shape: .lines(
                [
                    line(0) { $0.start.median }, line(1) { $0.restart.median }, line(2) { $0.changes.percentile(0.5) },
                    line(3) { $0.changes.percentile(0.99) },
                ], x: "Services with 10 endpoints each"))
    }
}

// MARK: - Bars

extension Bar {
    /// Of the kernel. A scale that was not measured has no bar.
    static func all(_ results: [Result]) -> [Bar] {
        func of(_ services: Int, affinity: Bool = false) -> Result? {
            results.first { $0.scale == Scale(services: services, endpoints: 10, hasAffinity: affinity) }
        }
        func seconds(_ result: Result?) -> Double { result.map { $0.firstProcessor.median / .seconds(1) } ?? .nan }
        let standard = of(5000)
        return [
            Bar(
                name: "5,000 x 10, first programming: CPU of the process", limit: 1, unit: " s",
                figure: seconds(standard)),
            Bar(
                name: "the same, beside nft with a chain and a map per Service", limit: 0.25, unit: Bar.ratio,
                figure: standard.map { $0.firstProcessor.median / $0.perServiceLayout.median } ?? .nan),
            Bar(
                name: "20,000 x 10: CPU, beside four times that of 5,000", limit: 1.15, unit: Bar.ratio,
                figure: seconds(of(20_000)) / (4 * seconds(standard))),
            Bar(
                name: "10,000 with affinity: CPU, beside four times that of 2,500", limit: 1.15, unit: Bar.ratio,
                figure: seconds(of(10_000, affinity: true)) / (4 * seconds(of(2500, affinity: true)))),
            Bar(
                name: "5,000 x 10, one change: p99", limit: 15, unit: " ms",
                figure: standard.map { $0.changes.percentile(0.99) / .milliseconds(1) } ?? .nan),
            Bar(
                name: "5,000 x 10: peak memory", limit: 120, unit: " MB",
                figure: standard.map { Double(max($0.peakMemory, $0.restartPeakMemory)) / 1e6 } ?? .nan, places: 1),
        ]
    }

    /// Of a node with an API server and 10,000 Services.
    static func all(_ results: [ClusterResult]) -> [Bar] {
        guard let result = results.first(where: { $0.scale.services == 10_000 }) else { return [] }
        func bar(_ what: String, _ limit: Double, _ unit: Duration, _ name: String, _ figure: Duration) -> Bar {
            Bar(name: "10,000 x 10, \(what)", limit: limit, unit: name, figure: figure / unit)
        }
        return [
            bar("start to the last Service answering", 2, .seconds(1), " s", result.start.median),
            bar("one change: p50", 5, .milliseconds(1), " ms", result.changes.percentile(0.5)),
            bar("one change: p99", 20, .milliseconds(1), " ms", result.changes.percentile(0.99)),
            bar("restart until a pending change is in force", 1.5, .seconds(1), " s", result.restart.median),
            Bar(
                name: "10,000 x 10: peak memory", limit: 160, unit: " MB",
                figure: Double(max(result.peakMemory, result.restartPeakMemory)) / 1e6, places: 1),
        ]
    }
}
