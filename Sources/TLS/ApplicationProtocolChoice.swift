/// The choice of what is spoken inside (ALPN, RFC 7301, 3.1).
enum ApplicationProtocolChoice {
    /// Where in the client's list the best of ours is: our order counts, not the client's. nil if none is there, or
    /// the list is malformed.
    ///
    ///     opaque ProtocolName<1..2^8-1>; ProtocolName list<2..2^16-1>
    static func choose(of offered: [ApplicationProtocol], from list: Span<UInt8>) -> Range<Int>? {
        for candidate in offered {
            var position = 0
            while position < list.count {
                let start = position + 1
                let end = start + Int(list[position])
                guard end > start, end <= list.count else { return nil }
                if Self.isEqual(candidate, list.extracting(start..<end)) { return start..<end }
                position = end
            }
        }
        return nil
    }

    static func isEqual(_ candidate: ApplicationProtocol, _ name: Span<UInt8>) -> Bool {
        let text = candidate.rawValue.utf8
        guard text.count == name.count else { return false }
        for (index, byte) in text.enumerated() where name[index] != byte { return false }
        return true
    }

    static func named(_ name: Span<UInt8>) -> ApplicationProtocol? {
        ApplicationProtocol.allCases.first { Self.isEqual($0, name) }
    }
}
