/// Weighted choice by chance in constant time: Walker's alias method, as Vose (1991) builds it.
struct AliasTable {
    /// One of as many equal parts of chance as there are members, shared by two of them.
    private struct Part: BitwiseCopyable {
        var member: UInt32
        var alias: UInt32
        /// The first one's part of it, of 2^32 - 1.
        var share: UInt32
    }

    private var parts: [Part] = []
    // For rebuilding, held so that it does not allocate.
    private var chances: [Double] = []
    private var small: [Int] = []
    private var large: [Int] = []

    var isEmpty: Bool { self.parts.isEmpty }

    mutating func reserve(_ members: Int) {
        self.parts.reserveCapacity(members)
        self.chances.reserveCapacity(members)
        self.small.reserveCapacity(members)
        self.large.reserveCapacity(members)
    }

    /// - Parameter weights: by place; above 0.
    mutating func rebuild(_ members: [UInt32], weights: [EndpointLoad]) {
        self.parts.removeAll(keepingCapacity: true)
        self.chances.removeAll(keepingCapacity: true)
        self.small.removeAll(keepingCapacity: true)
        self.large.removeAll(keepingCapacity: true)
        var total = 0.0
        for member in members { total += Double(weights[Int(member)].weight) }
        for (index, member) in members.enumerated() {
            self.parts.append(Part(member: member, alias: member, share: .max))
            let chance = Double(weights[Int(member)].weight) * Double(members.count) / total
            self.chances.append(chance)
            if chance < 1 { self.small.append(index) } else { self.large.append(index) }
        }
        // What is left in either at the end is 1 but for rounding.
        while let giver = self.large.last, let taker = self.small.popLast() {
            self.parts[taker].share = UInt32(self.chances[taker] * Double(UInt32.max))
            self.parts[taker].alias = self.parts[giver].member
            self.chances[giver] -= 1 - self.chances[taker]
            if self.chances[giver] < 1 {
                self.large.removeLast()
                self.small.append(giver)
            }
        }
    }

    /// There has to be one.
    func draw(_ random: inout RandomNumbers) -> Int {
        let number = random.next()
        let part = self.parts[Int(truncatingIfNeeded: ((number >> 32) &* UInt64(self.parts.count)) >> 32)]
        let isOwn = UInt32(truncatingIfNeeded: number) <= part.share
        return Int(isOwn ? part.member : part.alias)
    }
}
