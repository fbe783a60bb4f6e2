/// What an idle connection takes of a proxy's memory in userspace, in bytes: differences of `smaps_rollup`.
struct MemorySample {
    let resident: Double
    let proportional: Double
    let privateDirty: Double
    /// How many connections there were.
    let connections: Int

    /// From the memory of the proxy's processes before and after so many connections came.
    init(before: [String: Int], after: [String: Int], connections: Int) {
        func perConnection(_ field: String) -> Double {
            Double((after[field] ?? 0) - (before[field] ?? 0)) / Double(connections)
        }
        self.resident = perConnection("Rss")
        self.proportional = perConnection("Pss")
        self.privateDirty = perConnection("Private_Dirty")
        self.connections = connections
    }

    /// One row for each proxy.
    static func table(_ title: String, _ note: String, _ samples: [Proxy: [MemorySample]]) -> Table {
        var table = Table(title, note, ["", "private", "spread", "resident", "proportional", "connections"])
        for proxy in Proxy.allCases {
            guard let samples = samples[proxy], !samples.isEmpty else { continue }
            let own = samples.map(\.privateDirty)
            table.rows.append([
                proxy.name, Table.decimal(own.median, 0), Table.percent(own.spread),
                Table.decimal(samples.map(\.resident).median, 0), Table.decimal(samples.map(\.proportional).median, 0),
                Table.grouped(samples.map(\.connections).min() ?? 0),
            ])
        }
        return table
    }
}
