/// How much of what a message may have. Sizes are in bytes.
@frozen
package struct MessageLimits: BitwiseCopyable, Hashable, Sendable {
    /// A head: from its first byte to the empty line, and no more than a buffer holds. 431 beyond.
    package var head: Int
    /// A request line or status line with its CRLF. 414 beyond.
    package var startLine: Int
    /// A field line with its CRLF. 431 beyond.
    package var fieldLine: Int
    /// Field lines of a head. 431 beyond; no more than the ``FieldTable`` holds.
    package var fields: Int
    /// What may follow the size of a chunk, and is skipped.
    package var chunkExtension: Int
    /// A trailer section. No more than a buffer holds.
    package var trailers: Int
    /// Field lines of a trailer section.
    package var trailerFields: Int
    /// What is done with field names that have an underscore.
    package var underscores: UnderscorePolicy

    package init(
        head: Int = 32_768,
        startLine: Int = 8_192,
        fieldLine: Int = 16_384,
        fields: Int = 100,
        chunkExtension: Int = 256,
        trailers: Int = 4_096,
        trailerFields: Int = 32,
        underscores: UnderscorePolicy = .drop
    ) {
        self.head = head
        self.startLine = startLine
        self.fieldLine = fieldLine
        self.fields = fields
        self.chunkExtension = chunkExtension
        self.trailers = trailers
        self.trailerFields = trailerFields
        self.underscores = underscores
    }

    /// Empty lines before a request line that are passed over (RFC 9112 section 2.2).
    package static let leadingEmptyLines = 2
    /// Options in the `Connection` fields of a head.
    package static let connectionOptions = 32
    /// Characters of a method.
    package static let method = 32
}

/// Many backends read `X_Name` and `X-Name` as the same variable, so a client could pass a field by its guard. Names that are
/// a known field's with underscores are never forwarded, whatever the policy.
@frozen
package enum UnderscorePolicy: UInt8, Hashable, Sendable, CaseIterable {
    /// The field is not forwarded.
    case drop
    /// The request is refused.
    case reject
    /// The field is forwarded.
    case allow
}
