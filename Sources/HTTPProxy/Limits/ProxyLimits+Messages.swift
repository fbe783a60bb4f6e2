internal import HTTP1

extension ProxyLimits {
    /// As the parsers want them.
    var messages: MessageLimits {
        MessageLimits(
            head: self.headSize, startLine: self.startLineSize, fieldLine: self.headSize, fields: self.headFields,
            chunkExtension: self.chunkExtensionSize, trailers: self.trailerSize, trailerFields: self.trailerFields)
    }

    /// Interim responses to one request; a backend that sends more has gone wrong.
    static let interimResponses = 32
    /// What a forwarded head may have more than the one that came.
    static let headOverhead = 4_096
    /// A buffer for bodies that do not fit into one for heads.
    static let bodyBufferSize = 131_072
    /// How often a connection may be read from until all others that are ready have had their turn.
    static let readsPerTurn = 16
}
