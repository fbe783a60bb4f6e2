/// What the server was asked for.
package struct Counts: Sendable, Hashable {
    /// By verb and resource: `list services`, `watch endpointslices`.
    package internal(set) var requests: [String: Int] = [:]
    package internal(set) var unauthorized = 0
    package internal(set) var connections = 0
    package internal(set) var openConnections = 0
    package internal(set) var openWatches = 0
    /// Of bodies.
    package internal(set) var bytesSent = 0
    package internal(set) var bytesReceived = 0

    package subscript(verb: String, resource: Resource) -> Int {
        self.requests["\(verb) \(resource.rawValue)"] ?? 0
    }

    /// All requests about resources.
    package var total: Int { self.requests.values.reduce(0, +) }
}
