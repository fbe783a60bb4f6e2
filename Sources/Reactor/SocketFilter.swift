internal import CReactor
public import Linux
public import Networking

/// Whose packets a socket takes: a classic BPF program (socket(7), `SO_ATTACH_FILTER`) as a value. What it does not take is dropped in
/// the kernel, and its sender told nothing. At a TCP listener it sees the SYN; connections that come from there have it as well.
///
/// A program only knows one way out: each comparison is followed by what is done if it fails, so that jumps, which reach
/// 255 instructions, never have to go far. Addresses are found by halving, 32 bits at a time.
///
/// **Unsafe, and why it is right.** ``attach(to:)`` lends the kernel an array for the one call; it copies it.
public struct SocketFilter: Hashable, Sendable {
    /// `struct sock_filter`
    public struct Instruction: Hashable, Sendable {
        public let code: UInt16
        public let jumpTrue: UInt8
        public let jumpFalse: UInt8
        public let operand: UInt32

        init(_ code: UInt16, _ operand: UInt32, jumpTrue: UInt8 = 0, jumpFalse: UInt8 = 0) {
            self.code = code
            self.operand = operand
            self.jumpTrue = jumpTrue
            self.jumpFalse = jumpFalse
        }
    }

    /// More instructions than the kernel takes are needed.
    public struct TooLong: Error, Hashable, CustomStringConvertible {
        public let ranges: Int
        public let instructions: Int

        public var description: String {
            "\(self.ranges) ranges of source addresses need a filter of \(self.instructions) instructions; "
                + "the kernel takes \(SocketFilter.longestProgram)"
        }
    }

    /// `BPF_MAXINSNS`
    public static let longestProgram = 4096

    public let program: [Instruction]

    /// Nothing is taken.
    public static let dropsAll = SocketFilter(program: [.drop])

    /// For a TCP listener: no connection comes about, and who has one that nobody knows any more is told by a reset, as where nobody
    /// listens. A SYN has neither ACK nor RST beside it (RFC 9293 section 3.1; its flags are byte 13 of the header).
    public static let dropsConnecting = SocketFilter(program: [
        Instruction(.loadByte, 13), Instruction(.and, 0x16), Instruction(.jumpIfEqual, 0x02, jumpTrue: 1), .take, .drop,
    ])

    private init(program: [Instruction]) { self.program = program }

    /// Takes what comes from these addresses; those of the other family say nothing.
    ///
    /// - Parameter family: of the socket.
    public init(admitting ranges: some Sequence<AddressRange>, family: AddressFamily) throws(TooLong) {
        let merged = AddressRange.merged(ranges.filter { $0.first.family == family })
        let program = Self.load(word: 0, family) + Self.program(merged.map(Interval.init), word: 0, family)
        guard program.count <= Self.longestProgram else {
            throw TooLong(ranges: merged.count, instructions: program.count)
        }
        self.program = program
    }

    /// Before anything comes, or from the next packet on.
    public func attach(to socket: Int32) throws(SystemError) {
        let program = self.program.map {
            fairlead_filter_instruction(
                code: $0.code, jump_true: $0.jumpTrue, jump_false: $0.jumpFalse, operand: $0.operand)
        }
        let result = unsafe program.withUnsafeBufferPointer {
            unsafe fairlead_attach_filter(socket, $0.baseAddress, Int32($0.count))
        }
        _ = try Outcome.check("SO_ATTACH_FILTER", result)
    }

    // MARK: - Compiling

    /// Addresses from the first to the last, as 32-bit words, of which a part may be settled already.
    private struct Interval {
        let first: [UInt32]
        let last: [UInt32]

        init(first: [UInt32], last: [UInt32]) {
            self.first = first
            self.last = last
        }

        init(_ range: AddressRange) {
            func words(_ address: IPAddress) -> [UInt32] {
                let low = [UInt32(truncatingIfNeeded: address.low >> 32), UInt32(truncatingIfNeeded: address.low)]
                guard address.family == .ipv6 else { return [low[1]] }
                return [UInt32(truncatingIfNeeded: address.high >> 32), UInt32(truncatingIfNeeded: address.high)] + low
            }
            self.init(first: words(range.first), last: words(range.last))
        }

        /// The same without the first word; from where, if it begins with that word's last value.
        func tail(fromStart: Bool, toEnd: Bool) -> Interval {
            let count = self.first.count - 1
            return Interval(
                first: fromStart ? Array(repeating: 0, count: count) : Array(self.first.dropFirst()),
                last: toEnd ? Array(repeating: .max, count: count) : Array(self.last.dropFirst()))
        }

        var isEverything: Bool { self.first.allSatisfy { $0 == 0 } && self.last.allSatisfy { $0 == .max } }
    }

    /// Values of one word from the first to the last: all that begins so is taken, or what the rest says; then it is one value.
    private struct Piece {
        let first: UInt32
        var last: UInt32
        var rest: [Interval]
    }

    /// What decides about the words from `word` on, of which this one is loaded.
    private static func program(_ intervals: [Interval], word: Int, _ family: AddressFamily) -> [Instruction] {
        let pieces = self.pieces(intervals)
        return pieces.isEmpty ? [.drop] : self.tree(pieces[...], word: word, family)
    }

    private static func pieces(_ intervals: [Interval]) -> [Piece] {
        var pieces: [Piece] = []
        func add(_ first: UInt32, _ last: UInt32, _ rest: Interval?) {
            let rest = rest.flatMap { $0.isEverything ? nil : $0 }
            if let rest, let open = pieces.last, open.first == first, !open.rest.isEmpty {
                pieces[pieces.count - 1].rest.append(rest)
            } else if rest == nil, let open = pieces.last, open.rest.isEmpty, open.last &+ 1 == first {
                pieces[pieces.count - 1].last = last
            } else {
                pieces.append(Piece(first: first, last: last, rest: rest.map { [$0] } ?? []))
            }
        }
        for interval in intervals {
            let (first, last) = (interval.first[0], interval.last[0])
            if first == last {
                add(first, first, interval.tail(fromStart: false, toEnd: false))
                continue
            }
            add(first, first, interval.tail(fromStart: false, toEnd: true))
            if last - first > 1 { add(first + 1, last - 1, nil) }
            add(last, last, interval.tail(fromStart: true, toEnd: false))
        }
        return pieces
    }

    private static func tree(_ pieces: ArraySlice<Piece>, word: Int, _ family: AddressFamily) -> [Instruction] {
        if pieces.count > 1 {
            let middle = pieces.startIndex + pieces.count / 2
            let upper = self.tree(pieces[middle...], word: word, family)
            let lower = self.tree(pieces[..<middle], word: word, family)
            return [
                Instruction(.jumpIfGreaterOrEqual, pieces[middle].first, jumpTrue: 1),
                Instruction(.jump, UInt32(upper.count)),
            ] + upper + lower
        }
        guard let piece = pieces.first else { return [.drop] }
        if !piece.rest.isEmpty {
            return [Instruction(.jumpIfEqual, piece.first, jumpTrue: 1), .drop]
                + self.load(word: word + 1, family) + self.program(piece.rest, word: word + 1, family)
        }
        if piece.first == 0, piece.last == .max { return [.take] }
        return [
            Instruction(.jumpIfGreaterOrEqual, piece.first, jumpFalse: 2),
            Instruction(.jumpIfGreater, piece.last, jumpTrue: 1), .take, .drop,
        ]
    }

    /// The source address begins at byte 12 of an IPv4 header, at byte 8 of an IPv6 one. To the filter a packet begins with its UDP or
    /// TCP header; that of IP is at `SKF_NET_OFF`.
    private static func load(word: Int, _ family: AddressFamily) -> [Instruction] {
        let networkHeader: UInt32 = 0xfff0_0000
        return [Instruction(.loadWord, networkHeader + (family == .ipv4 ? 12 : 8) + UInt32(word * 4))]
    }
}

extension SocketFilter.Instruction {
    /// `BPF_RET | BPF_K`: so many bytes of the packet are taken.
    static let take = SocketFilter.Instruction(0x06, .max)
    static let drop = SocketFilter.Instruction(0x06, 0)
}

extension UInt16 {
    /// `BPF_LD | BPF_W | BPF_ABS`
    fileprivate static let loadWord: UInt16 = 0x20
    /// `BPF_LD | BPF_B | BPF_ABS`
    fileprivate static let loadByte: UInt16 = 0x30
    /// `BPF_ALU | BPF_AND | BPF_K`
    fileprivate static let and: UInt16 = 0x54
    /// `BPF_JMP | BPF_JA`, `BPF_JEQ`, `BPF_JGT`, `BPF_JGE`, each with a constant.
    fileprivate static let jump: UInt16 = 0x05
    fileprivate static let jumpIfEqual: UInt16 = 0x15
    fileprivate static let jumpIfGreater: UInt16 = 0x25
    fileprivate static let jumpIfGreaterOrEqual: UInt16 = 0x35
}
