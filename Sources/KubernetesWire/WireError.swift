/// Why bytes of the API server could not be understood. What was decoded before stays good; the connection
/// they came from does not.
package struct WireError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable, Hashable {
        /// The bytes break the format's rules.
        case malformed
        /// They end in the middle of an object.
        case truncated
        /// One of ``WireLimits`` is exceeded.
        case tooLarge
        /// Well formed, but another kind than was asked for.
        case unexpectedKind
    }

    package let code: Code
    package let message: String
    /// What the decoder beneath said.
    package let cause: String?

    package init(_ code: Code, _ message: String, cause: String? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var description: String {
        self.cause.map { "\(self.message): \($0)" } ?? self.message
    }
}
