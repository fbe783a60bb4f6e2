/// What the servers put up with.
package struct ServerLimits: Hashable, Sendable {
    /// A connection on which no request has been answered for this long is closed. Counting answers and
    /// not bytes also ends those who send a request a byte at a time.
    package var idleTimeout = Duration.seconds(30)
    /// The request line and the header fields.
    package var requestHeadBytes = 8 << 10
    /// More connections to one listener are closed at once.
    package var connectionsPerListener = 256
    /// The pause before a listener is opened again that could not be opened; it doubles each time.
    package var firstRetry = Duration.seconds(2)
    package var longestRetry = Duration.seconds(30)

    package init() {}
}
