/// Random numbers for choices that nobody has to be kept from guessing: wyrand (Wang Yi, 2019). One multiplication each.
@frozen
public struct RandomNumbers: BitwiseCopyable, RandomNumberGenerator, Sendable {
    @usableFromInline var state: UInt64

    /// - Parameter seed: different for each worker, so that workers do not choose alike.
    @inlinable public init(seed: UInt64) { self.state = seed }

    @inlinable
    public mutating func next() -> UInt64 {
        self.state &+= 0xa076_1d64_78bd_642f
        let product = self.state.multipliedFullWidth(by: self.state ^ 0xe703_7ed1_a0b4_28db)
        return product.high ^ product.low
    }

    /// Below `bound`, which is above 0. Multiplied rather than divided (Lemire 2019); the bias is below bound / 2^32.
    @inlinable
    mutating func below(_ bound: Int) -> Int {
        Int(truncatingIfNeeded: ((self.next() >> 32) &* UInt64(truncatingIfNeeded: bound)) >> 32)
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): each bit of the input changes half of the output's.
@inlinable
func mixed(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
}
