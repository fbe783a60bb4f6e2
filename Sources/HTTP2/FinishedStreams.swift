/// The last streams that the peer ended: it knows that nothing may come of them any more (RFC 9113 section 5.1). Of streams that this side
/// broke off, frames may still be on their way.
struct FinishedStreams: BitwiseCopyable {
    enum Ending: UInt8, BitwiseCopyable {
        /// By END_STREAM.
        case ended
        /// By RST_STREAM.
        case reset
    }

    private static let capacity = 16

    private var streams = InlineArray<16, HTTP2StreamID>(repeating: 0)
    private var resets: UInt16 = 0
    private var position = 0
    private var highest: HTTP2StreamID = 0

    mutating func insert(_ stream: HTTP2StreamID, _ ending: Ending) {
        let bit = UInt16(1) << UInt16(self.position)
        self.streams[self.position] = stream
        if ending == .reset { self.resets |= bit } else { self.resets &= ~bit }
        self.position = (self.position &+ 1) % Self.capacity
        self.highest = max(self.highest, stream)
    }

    /// nil for streams that are not over, or were so long ago.
    func ending(of stream: HTTP2StreamID) -> Ending? {
        guard stream <= self.highest, stream > 0 else { return nil }
        for index in 0..<Self.capacity where self.streams[index] == stream {
            return self.resets & (1 << UInt16(index)) != 0 ? .reset : .ended
        }
        return nil
    }
}
