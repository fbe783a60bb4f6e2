internal import Linux
internal import Reactor

/// Sockets for sessions, and their ports.
extension DatagramForwarder {
    /// What a socket has got.
    struct Source: BitwiseCopyable {
        let socket: DatagramSocket
        /// 0: the kernel has chosen it.
        let port: UInt16
        /// Of endpoint and port.
        let hash: UInt32
    }

    /// Either a socket, or an errno. Where no descriptor is left, or no port for this endpoint, a session that has been idle gives
    /// way.
    mutating func connect(
        to endpoint: PeerAddress, _ picker: inout some DatagramPicking & ~Copyable
    ) -> Result<Source, SocketFailure> {
        var evictions = 0
        var collisions = 0
        while true {
            let (port, hash) = self.sourcePort(for: endpoint, &picker)
            var outcome = DatagramSocket.connect(to: endpoint.socketAddress, from: port)
            // Instead of so many that have made way it may have any.
            if case .done(let socket) = outcome, Int(socket.number) >= self.descriptorCeiling,
                evictions < Self.evictionsForOne
            {
                socket.close()
                // EMFILE.
                outcome = .failed(24)
            }
            switch outcome {
            case .done(let socket): return .success(Source(socket: socket, port: port, hash: hash))
            // EADDRINUSE: others than us have it. Asked for one that is free, the kernel would look at all of them, which takes it
            // milliseconds when few are.
            case .failed(98) where collisions < Self.portCollisions: collisions += 1
            case .failed(let number):
                guard number != 98, Unreachability(errno: number) == nil, evictions < Self.evictionsForOne,
                    self.sessions.count > 0
                else {
                    return .failure(SocketFailure(number: number))
                }
                self.counters.exhaustions &+= 1
                evictions += 1
                self.evict(&picker)
            }
        }
    }

    /// An errno.
    struct SocketFailure: Error { let number: Int32 }

    private static let portCollisions = 64
    /// Another worker may be faster to take what has become free.
    private static let evictionsForOne = 4

    /// A port from which no session talks to the endpoint. Chosen so that nobody can guess it (RFC 6056 section 3.3.2).
    private mutating func sourcePort(
        for endpoint: PeerAddress, _ picker: inout some DatagramPicking & ~Copyable
    ) -> (port: UInt16, hash: UInt32) {
        let count = UInt64(self.ports.ports.count)
        guard count > 0 else { return (0, 0) }
        var victim = Handle.none
        for _ in 0..<Self.portTries {
            self.portsDrawn &+= 1
            let number = self.hash.hash(self.portsDrawn, 0, 0, 0)
            let port = self.ports.ports[Int(number.multipliedFullWidth(by: count).high)]
            let hash = self.hash(endpoint, UInt32(port))
            guard let holder = self.holder(endpoint, port, hash) else { return (port, hash) }
            if victim.isNone || self.sessions[holder].lastActive < self.sessions[victim].lastActive { victim = holder }
        }
        // Nearly all of them are taken. Of those that were looked at, the one that has been idle longest is as good as any.
        let (port, hash) = (self.sessions[victim].port, self.sessions[victim].sourceHash)
        self.counters.sessionsEvicted &+= 1
        self.end(victim, &picker)
        return (port, hash)
    }

    /// Of 100 such tries with nine in ten ports taken, three find none.
    private static let portTries = 32

    private func holder(_ endpoint: PeerAddress, _ port: UInt16, _ hash: UInt32) -> Handle? {
        var place = self.sources.start(hash)
        while let position = self.sources.next(hash, &place) {
            guard let session = self.sessions.handle(at: position) else { continue }
            if self.sessions[session].port == port, self.sessions[session].endpoint == endpoint { return session }
        }
        return nil
    }
}
