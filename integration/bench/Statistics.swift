/// Figures of several rounds.
extension [Double] {
    /// Of an even number the mean of the two in the middle; nan of none.
    var median: Double {
        let sorted = self.sorted()
        guard !sorted.isEmpty else { return .nan }
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }

    /// A quarter of them is at most this: of latencies on a machine that others use as well, what most of its quiet rounds had,
    /// as disturbances only ever add. nan of none.
    var lowerQuartile: Double { self.isEmpty ? .nan : self.sorted()[(self.count - 1) / 4] }

    /// From the smallest to the largest, as a share of the median.
    var spread: Double {
        guard let least = self.min(), let most = self.max(), self.median > 0 else { return .nan }
        return (most - least) / self.median
    }
}
