internal import Bytes
internal import Reactor

/// One direction of a relay: bytes from one socket to the other.
///
/// A few bytes are received and sent; where they come by the buffer, pages go through a pipe. Nothing is received that cannot be
/// passed on, so who does not read holds up who writes; what is in hand is at most a buffer or a pipe.
struct Flow: ~Copyable {
    enum Outcome: BitwiseCopyable {
        /// Until the loop tells of one of the sockets.
        case waiting
        /// There is more, and others are due.
        case outOfTurn
        /// The source sends no more, and all that it sent has been passed on.
        case ended
        case sourceFailed
        case sinkFailed
    }

    private enum Stage: UInt8, BitwiseCopyable {
        case open
        /// The source has said all; some of it may be in hand.
        case finishing
        /// The sink was told, or is gone.
        case done
    }

    private var stage = Stage.open
    /// More comes at once than a buffer holds.
    private var isBulk = false
    /// What the loop told of the source: something to read, and that the end is among it.
    var canRead = false
    var endIsNear = false
    /// And of the sink.
    var canWrite = false
    private var piped: Int32 = 0
    private var pipe = SplicePipe.none
    private var rest = ByteBuffer()
    /// All that was passed on.
    private(set) var bytes: UInt64 = 0

    var isDone: Bool { self.stage == .done }

    /// The sink was told that no more comes; or there is nobody to tell.
    mutating func finish() { self.stage = .done }

    /// Goes before whatever the source sends.
    mutating func begin(with buffer: consuming ByteBuffer) { self.rest = buffer }

    mutating func move(from source: StreamSocket, to sink: StreamSocket, _ tools: inout RelayTools) -> Outcome {
        guard self.stage != .done else { return .waiting }
        while true {
            if self.piped > 0 || !self.rest.isEmpty {
                guard self.canWrite else { return .waiting }
                switch self.passOn(to: sink, &tools) {
                case .bytes: continue
                case .blocked, .ended:
                    self.canWrite = false
                    return .waiting
                case .failed: return .sinkFailed
                }
            }
            if self.stage == .finishing {
                self.release(&tools)
                return .ended
            }
            guard self.canRead, self.canWrite else {
                self.release(&tools)
                return .waiting
            }
            guard tools.movesLeft > 0 else { return .outOfTurn }
            tools.movesLeft -= 1
            switch self.isBulk ? self.takePages(from: source, &tools) : self.takeBytes(from: source, to: sink, &tools) {
            case .bytes: continue
            case .blocked: self.canRead = false
            case .ended: self.stage = .finishing
            case .failed(Self.sinkIsGone): return .sinkFailed
            case .failed: return .sourceFailed
            }
        }
    }

    /// What is in hand.
    private mutating func passOn(to sink: StreamSocket, _ tools: inout RelayTools) -> Transfer {
        if self.piped > 0 {
            let result = self.pipe.drain(into: sink, count: Int(self.piped))
            if case .bytes(let count) = result {
                self.piped -= Int32(truncatingIfNeeded: count)
                self.bytes &+= UInt64(count)
            }
            return result
        }
        let result = sink.send(self.rest)
        if case .bytes(let count) = result {
            self.rest.consume(count)
            self.bytes &+= UInt64(count)
            if self.rest.isEmpty { tools.buffers.give(self.rest.move()) }
        }
        return result
    }

    /// No errno.
    private static let sinkIsGone = Int32.max

    /// Receives and sends at once; what the sink does not take stays in hand.
    private mutating func takeBytes(
        from source: StreamSocket, to sink: StreamSocket, _ tools: inout RelayTools
    ) -> Transfer {
        tools.scratch.clear()
        let taken = source.receive(into: &tools.scratch)
        guard case .bytes(let count) = taken else { return taken }
        if count >= RelayTools.bufferSize {
            self.isBulk = true
        } else if !self.endIsNear {
            // There was no more (epoll(7): of streams less than was asked for says so). An end would have been told of.
            self.canRead = false
        }
        switch sink.send(tools.scratch) {
        case .bytes(let sent):
            self.bytes &+= UInt64(sent)
            if sent == count { return taken }
            tools.scratch.consume(sent)
        case .blocked, .ended: break
        case .failed: return .failed(Self.sinkIsGone)
        }
        self.canWrite = false
        self.rest = tools.scratch.move()
        tools.scratch = tools.buffers.take()
        return taken
    }

    private mutating func takePages(from source: StreamSocket, _ tools: inout RelayTools) -> Transfer {
        if self.pipe.isNone {
            guard let pipe = tools.pipes.take() else {
                // Without descriptors for a pipe it goes the other way.
                self.isBulk = false
                return .bytes(0)
            }
            self.pipe = pipe
        }
        let taken = self.pipe.fill(from: source, count: tools.pipeSize)
        if case .bytes(let count) = taken {
            self.piped = Int32(truncatingIfNeeded: count)
            if count < RelayTools.spliceMinimum { self.isBulk = false }
        }
        return taken
    }

    /// The pipe is empty, and somebody else may need one.
    private mutating func release(_ tools: inout RelayTools) {
        guard !self.pipe.isNone else { return }
        tools.pipes.give(self.pipe, isEmpty: true)
        self.pipe = .none
    }

    /// Whatever is in hand is given up.
    mutating func abandon(_ tools: inout RelayTools) {
        self.stage = .done
        if !self.pipe.isNone {
            tools.pipes.give(self.pipe, isEmpty: self.piped == 0)
            self.pipe = .none
            self.piped = 0
        }
        if self.rest.hasMemory { tools.buffers.give(self.rest.move()) }
    }
}
