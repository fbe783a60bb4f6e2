internal import Linux
internal import Networking
import Synchronization

/// A UDP server that does to every datagram what a test tells it to, and counts who sent them.
package final class DatagramServer: Sendable {
    package enum Manner: Sendable, Hashable {
        /// The datagram goes back as it came.
        case echo
        /// So many copies go back.
        case copies(Int)
        /// The server's name, a line feed, and the datagram.
        case named
        case silent
    }

    package let name: String
    package let address: SocketAddress
    private let socket: Listener
    private let stopSignal: WakeUp
    private let thread = Mutex<OSThread?>(nil)
    private let state: Mutex<(manner: Manner, peers: [SocketAddress: Int])>

    private final class Listener: Sendable {
        let socket: Socket

        init(_ address: SocketAddress) throws {
            self.socket = try Socket(.datagram, address.address.family)
            try self.socket.bind(to: address)
            try self.socket.forceReceiveBuffer(4 << 20)
        }
    }

    package init(on host: Host, _ address: SocketAddress, name: String? = nil, _ manner: Manner = .echo) throws {
        self.name = name ?? host.name
        self.address = address
        self.state = Mutex((manner, [:]))
        self.socket = try host.run { try Listener(address) }
        self.stopSignal = try WakeUp()
        let thread = try OSThread { [weak self] in self?.serve() }
        self.thread.withLock { $0 = thread }
    }

    deinit { self.stop() }

    /// What is done from now on.
    package func change(to manner: Manner) { self.state.withLock { $0.manner = manner } }

    /// Datagrams so far, by who sent them.
    package var peers: [SocketAddress: Int] { self.state.withLock { $0.peers } }

    package var datagrams: Int { self.peers.values.reduce(0, +) }

    /// Closes the socket: what comes then is refused by ICMP.
    package func stop() {
        self.stopSignal.signal()
        let thread = self.thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        thread?.join()
    }

    private func serve() {
        let interests = [self.stopSignal.number, self.socket.socket.number].map {
            Readiness.Interest(number: $0, writing: false)
        }
        while true {
            let ready = Readiness.wait(interests, timeout: .seconds(3600))
            if ready.first == 0 { return }
            // An error is that of one peer, an ICMP message about an answer.
            while let (bytes, peer) = (try? self.socket.socket.receiveFrom()) ?? nil {
                guard let peer else { continue }
                let manner = self.state.withLock { state in
                    state.peers[peer, default: 0] += 1
                    return state.manner
                }
                let (answer, copies): ([UInt8], Int) =
                    switch manner {
                    case .echo: (bytes, 1)
                    case .copies(let count): (bytes, count)
                    case .named: (Array("\(self.name)\n".utf8) + bytes, 1)
                    case .silent: ([], 0)
                    }
                for _ in 0..<copies { _ = try? self.socket.socket.send(answer[...], to: peer) }
            }
        }
    }
}
