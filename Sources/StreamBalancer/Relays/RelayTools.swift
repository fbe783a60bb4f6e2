internal import Bytes
internal import Reactor

/// What all relays of a worker share.
struct RelayTools: ~Copyable {
    /// What was received last, on its way.
    var scratch: ByteBuffer
    /// For what a peer would not take yet, and for what is said before a client's bytes.
    var buffers: BufferPool
    var pipes: PipePool
    let pipeSize: Int
    /// Moves that are left in this turn to the connection that is being served.
    var movesLeft = 0

    /// Bytes of a buffer. What fills one may be much: then pages are passed on instead of copies.
    static let bufferSize = 32 << 10
    /// With less than this at once a pipe is not worth its calls.
    static let spliceMinimum = 8 << 10
    /// Of each connection, before the others have theirs.
    static let movesPerTurn = 8
    /// Buffers that are kept for clients who do not read.
    static let keptBuffers = 64

    init(_ limits: StreamLimits) {
        self.buffers = BufferPool(size: Self.bufferSize, limit: Self.keptBuffers)
        self.scratch = self.buffers.take()
        self.pipes = PipePool(size: limits.pipeSize, limit: limits.pooledPipes, below: limits.descriptorCeiling)
        self.pipeSize = limits.pipeSize
    }
}
