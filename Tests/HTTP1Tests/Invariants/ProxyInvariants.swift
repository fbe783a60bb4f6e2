import HTTP1
import Networking

/// Whatever comes where a PROXY header should: fewer bytes never say anything else, and what follows is left alone.
enum ProxyInvariants {
    static func check(_ bytes: [UInt8]) throws(Violation) {
        let outcome = ProxyProtocol.parse(bytes.span)
        // A long header is looked at only when it is whole: every length near its ends is enough.
        let lengths = Array(0...min(bytes.count, 300)) + Array(max(bytes.count - 20, 0)..<bytes.count)
        for length in lengths {
            let early = ProxyProtocol.parse(bytes.span.extracting(first: length))
            switch (early, outcome) {
            case (.needsMore, _): break
            default: try require(early == outcome, "after \(length) bytes \(early), in the end \(outcome)")
            }
        }
        guard case .complete(let length, let source, let destination) = outcome else { return }
        try require(length <= min(bytes.count, ProxyProtocol.longestHeader), "longer than it may be")
        try require((source == nil) == (destination == nil), "half a connection")
        if let source, let destination {
            try require(source.address.family == destination.address.family, "two families")
        }
        try require(ProxyProtocol.parse(bytes.span.extracting(first: length)) == outcome, "what follows counts")
        try require(
            ProxyProtocol.parse(bytes.span.extracting(first: length - 1)) == .needsMore, "complete before its end")
    }
}
