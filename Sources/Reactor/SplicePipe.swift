internal import CReactor

/// A pipe by which bytes go from one socket to another without being copied: `splice(2)`. Two numbers and nothing else:
/// who took it from a ``PipePool`` gives it back, empty, or closes it.
@frozen
public struct SplicePipe: BitwiseCopyable, Sendable {
    let readEnd: Int32
    let writeEnd: Int32

    /// No pipe.
    public static var none: SplicePipe { SplicePipe(readEnd: -1, writeEnd: -1) }
    public var isNone: Bool { self.readEnd < 0 }

    /// Takes up to `count` bytes that a socket has received. The pipe must be empty: of a full one `.blocked` would be said, too.
    public func fill(from socket: StreamSocket, count: Int) -> Transfer {
        Transfer(read: fairlead_splice(socket.number, self.writeEnd, count))
    }

    /// Gives up to `count` bytes to a socket. The pipe must hold as many.
    public func drain(into socket: StreamSocket, count: Int) -> Transfer {
        Transfer(written: fairlead_splice(self.readEnd, socket.number, count))
    }

    func close() {
        _ = fairlead_close(self.readEnd)
        _ = fairlead_close(self.writeEnd)
    }
}

/// Pipes of one thread. They are empty while they are here.
public struct PipePool: ~Copyable {
    private var pipes: [SplicePipe] = []
    private let size: Int32
    private let limit: Int
    private let ceiling: Int
    /// Taken and not given back.
    public private(set) var used = 0

    /// - Parameters:
    ///   - size: bytes that a pipe holds; the kernel may give less.
    ///   - limit: how many are kept while nobody uses them.
    ///   - ceiling: descriptors with this number and above are for others.
    public init(size: Int, limit: Int, below ceiling: Int = .max) {
        self.size = Int32(clamping: size)
        self.limit = limit
        self.ceiling = ceiling
        self.pipes.reserveCapacity(limit)
    }

    deinit { for pipe in self.pipes { pipe.close() } }

    /// nil if there is no descriptor left for one.
    public mutating func take() -> SplicePipe? {
        if let pipe = self.pipes.popLast() {
            self.used += 1
            return pipe
        }
        var (readEnd, writeEnd): (Int32, Int32) = (-1, -1)
        guard unsafe fairlead_pipe(&readEnd, &writeEnd, self.size) == 0 else { return nil }
        let pipe = SplicePipe(readEnd: readEnd, writeEnd: writeEnd)
        guard max(readEnd, writeEnd) < self.ceiling else {
            pipe.close()
            return nil
        }
        self.used += 1
        return pipe
    }

    /// - Parameter isEmpty: otherwise what is in it goes with it.
    public mutating func give(_ pipe: SplicePipe, isEmpty: Bool) {
        self.used -= 1
        if isEmpty, self.pipes.count < self.limit { self.pipes.append(pipe) } else { pipe.close() }
    }

    /// Closes one that is kept, for the sake of its descriptors; false if there is none.
    public mutating func discard() -> Bool {
        guard let pipe = self.pipes.popLast() else { return false }
        pipe.close()
        return true
    }

    /// How many are kept.
    public var kept: Int { self.pipes.count }
}
