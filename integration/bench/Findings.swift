/// What one part of the benchmark has found out.
struct Findings {
    var tables: [Table]
    var charts: [Chart] = []

    /// For a terminal.
    var text: String { self.tables.map(\.text).joined(separator: "\n") }
}
