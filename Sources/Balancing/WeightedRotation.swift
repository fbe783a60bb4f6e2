/// Weighted round robin in constant time: Smoothed Round Robin (Guo, SIGCOMM 2001).
///
/// Weights are written in binary, and column k holds the members whose weight has bit k. The columns are visited in the
/// order of a ruler: the highest every other time, the next every fourth, and so on, which makes 2^k visits to column k in
/// a cycle. Each member is thereby served exactly as often as its weight says, well spread, without looking at the
/// others. With equal weights there is one column, and it is plain round robin. A heap of deadlines does the same in log n
/// and touches log n members; nginx' smooth round robin touches all of them.
struct WeightedRotation {
    /// The columns one after the other, the highest bit first.
    private var entries: [UInt32] = []
    /// Where each column begins, and where the last ends.
    private var starts: [Int] = []
    /// 1 ..< 2^columns. Its lowest bit that is set says which column.
    private var step: UInt32 = 0
    private var position = 0
    private var end = 0
    /// The one served last, after which a column goes on that is made anew.
    private var last: UInt32 = 0

    var isEmpty: Bool { self.entries.isEmpty }

    mutating func reserve(_ members: Int) {
        self.entries.reserveCapacity(members)
        self.starts.reserveCapacity(UInt16.bitWidth + 1)
    }

    /// The same place in the cycle if there is such, so that frequent changes do not favour those in front.
    ///
    /// - Parameters:
    ///   - members: places in ascending order.
    ///   - weights: by place; 1...``BackendEndpoint/maximumWeight``.
    mutating func rebuild(_ members: [UInt32], weights: [EndpointLoad], random: inout RandomNumbers) {
        self.entries.removeAll(keepingCapacity: true)
        self.starts.removeAll(keepingCapacity: true)
        var divisor: UInt32 = 0
        var largest: UInt32 = 0
        for member in members {
            let weight = weights[Int(member)].weight
            largest = max(largest, weight)
            if divisor != 1 { divisor = Self.greatestCommonDivisor(divisor, weight) }
        }
        guard largest > 0 else {
            (self.step, self.position, self.end) = (0, 0, 0)
            return
        }
        let columns = UInt32.bitWidth - (largest / divisor).leadingZeroBitCount
        for bit in (0..<columns).reversed() {
            self.starts.append(self.entries.count)
            for member in members where (weights[Int(member)].weight / divisor) >> UInt32(bit) & 1 == 1 {
                self.entries.append(member)
            }
        }
        self.starts.append(self.entries.count)

        let isFirst = self.step == 0
        if isFirst || self.step >> UInt32(columns) != 0 {
            self.step = UInt32(1 + random.below(1 << columns - 1))
        }
        self.visit()
        if isFirst {
            if self.position < self.end { self.position += random.below(self.end - self.position) }
        } else {
            while self.position < self.end, self.entries[self.position] <= self.last { self.position += 1 }
        }
    }

    /// The next in turn. There has to be one.
    mutating func next() -> Int {
        while self.position == self.end {
            self.step += 1
            if self.step >> UInt32(self.starts.count - 1) != 0 { self.step = 1 }
            self.visit()
        }
        let member = self.entries[self.position]
        self.position += 1
        self.last = member
        return Int(member)
    }

    private mutating func visit() {
        let column = self.step.trailingZeroBitCount
        self.position = self.starts[column]
        self.end = self.starts[column + 1]
    }

    private static func greatestCommonDivisor(_ left: UInt32, _ right: UInt32) -> UInt32 {
        var (left, right) = (left, right)
        while right != 0 { (left, right) = (right, left % right) }
        return left
    }
}
