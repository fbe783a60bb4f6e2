/// Why a line could not be read.
enum LineProblem: Error, BitwiseCopyable, Equatable {
    /// It does not end in the bytes that were looked at.
    case unfinished
    case fault(MessageFault)

    /// What a byte means that is no part of a line's text; `index` is before `end`.
    static func at(_ index: Int, of bytes: Span<UInt8>, to end: Int, lineEnd: MessageFault) -> LineProblem {
        switch bytes[index] {
        case .lineFeed: return .fault(.bareLineFeed)
        case .carriageReturn:
            guard index &+ 1 < end else { return .unfinished }
            return .fault(bytes[index &+ 1] == .lineFeed ? lineEnd : .bareCarriageReturn)
        default: return .fault(.controlCharacter)
        }
    }
}

/// How far a line may be looked at, and what it means when it does not end there.
struct LineBound: BitwiseCopyable {
    var end: Int
    /// What is wrong if the line has no end before ``end``; nil where more bytes may bring it.
    var fault: MessageFault?

    /// - Parameter limit: the most bytes of this line.
    @inline(always)
    init(start: Int, limit: Int, fault: MessageFault, bytes: Int, head: Int) {
        let lineEnd = start &+ limit
        let headEnd = Swift.min(bytes, head)
        if lineEnd <= headEnd {
            self.end = lineEnd
            self.fault = fault
        } else {
            self.end = headEnd
            self.fault = bytes < head ? nil : .headTooLarge
        }
    }

    func fault(for problem: LineProblem) -> MessageFault? {
        switch problem {
        case .unfinished: self.fault
        case .fault(let fault): fault
        }
    }
}
