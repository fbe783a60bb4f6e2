internal import Linux
internal import Networking

/// A server that listens and never accepts, with a queue that is full already: the kernel drops the SYNs of whoever else
/// connects, as it does for a process that has stopped.
package final class FullBacklog: Sendable {
    private let listener: Listener

    private final class Listener: Sendable {
        let socket: Socket
        let waiting: [Waiting]

        init(_ socket: consuming Socket, _ waiting: [Waiting]) {
            self.socket = socket
            self.waiting = waiting
        }
    }

    private final class Waiting: Sendable {
        let socket: Socket

        init(_ socket: consuming Socket) { self.socket = socket }
    }

    /// Connections that fill the queue, at most. A queue of length 0 takes one.
    private static let limit = 16

    package init(on host: Host, _ address: SocketAddress) throws {
        self.listener = try host.run {
            let listener = try Socket(.stream, address.address.family)
            try listener.bind(to: address)
            try listener.listen(backlog: 0)
            var waiting: [Waiting] = []
            while waiting.count < Self.limit {
                let socket = try Socket(.stream, address.address.family)
                let failure = Attempt(timeout: .milliseconds(200)).connect(socket, to: address)
                waiting.append(Waiting(socket))
                if failure == .timedOut { return Listener(listener, waiting) }
                if let failure { throw LabError("\(address): \(failure)") }
            }
            throw LabError("\(address): the queue does not fill")
        }
    }
}
