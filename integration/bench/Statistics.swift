/// Figures of several rounds.
extension [Double] {
    /// Of an even number the mean of the two in the middle; nan of none.
    var median: Double {
        let sorted = self.sorted()
        guard !sorted.isEmpty else { return .nan }
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }

    /// Where the median of all there could be lies, with 95 % confidence: between two of them, by their ranks alone, so whatever their
    /// distribution is (the sign test's interval, by the normal approximation of the binomial). nan of none.
    var medianInterval: (lower: Double, upper: Double) {
        guard !self.isEmpty else { return (.nan, .nan) }
        let sorted = self.sorted()
        let reach = 0.98 * Double(self.count).squareRoot()
        let lower = Int((Double(self.count) / 2 - reach).rounded(.down))
        return (sorted[Swift.max(lower, 0)], sorted[Swift.min(self.count - 1 - lower, self.count - 1)])
    }

    /// From the smallest to the largest, as a share of the median.
    var spread: Double {
        guard let least = self.min(), let most = self.max(), self.median > 0 else { return .nan }
        return (most - least) / self.median
    }
}

extension [Duration] {
    /// From the smallest to the largest, as a share of the median.
    var spread: Double { self.map { $0 / .nanoseconds(1) }.spread }
}
