internal import Glibc
internal import Linux
package import Networking

/// What came back to many UDP clients.
package struct DatagramReport: Sendable {
    package internal(set) var answered = 0
    /// Answers by the line in front of the payload, where servers name themselves.
    package internal(set) var answeredBy: [String: Int] = [:]
    /// Answers with another payload than was sent.
    package internal(set) var wrong = 0
    /// Answers after the first.
    package internal(set) var doubled = 0
    /// Clients that were told by ICMP that nobody is there.
    package internal(set) var refused = 0
    /// Clients to whom nothing came.
    package internal(set) var silent = 0
}

extension Host {
    /// One datagram from each of `clients` addresses and ports, and what comes back. Ports go from `firstPort` up, on one
    /// source address after the other. They come in waves of `wave`, each of which is over `timeout` after its last datagram.
    package func exchangeDatagrams(
        with target: SocketAddress, clients: Int, from sources: [IPAddress], firstPort: UInt16 = 1024,
        payload: [UInt8], wave: Int = 2_000, timeout: Duration = .seconds(2)
    ) throws -> DatagramReport {
        let portsPerSource = 65_536 - Int(firstPort)
        precondition(clients <= sources.count * portsPerSource, "more clients than addresses and ports")
        return try self.run {
            var report = DatagramReport()
            for start in stride(from: 0, to: clients, by: wave) {
                let addresses = (start..<min(start + wave, clients)).map {
                    SocketAddress(sources[$0 / portsPerSource], firstPort + UInt16($0 % portsPerSource))
                }
                try DatagramWave(from: addresses, to: target, payload).run(timeout, into: &report)
            }
            return report
        }
    }
}

/// Sockets that exchange at the same time.
private final class DatagramWave {
    private final class Client {
        let socket: Socket
        var isDone = false

        init(_ socket: consuming Socket) { self.socket = socket }
    }

    private let clients: [Client]
    private let payload: [UInt8]
    /// Sent at a time before answers are looked at: as many as fit small buffers on the way.
    private static let burst = 64

    init(from addresses: [SocketAddress], to target: SocketAddress, _ payload: [UInt8]) throws {
        self.payload = payload
        self.clients = try addresses.map { address in
            let socket = try Socket(.datagram, address.address.family)
            try socket.bind(to: address)
            try socket.connect(to: target)
            return Client(socket)
        }
    }

    func run(_ timeout: Duration, into report: inout DatagramReport) throws {
        var queue = try EventQueue()
        for (token, client) in self.clients.enumerated() { try queue.add(client.socket.number, as: token) }
        var (sent, underWay, done) = (0, 0, 0)
        var deadline = Int64.max
        while done < self.clients.count, MonotonicClock.nanoseconds() < deadline {
            while sent < self.clients.count, underWay < Self.burst {
                // An error of an earlier datagram has nothing to do with this one.
                _ = try? self.clients[sent].socket.send(self.payload[...])
                sent += 1
                underWay += 1
            }
            let now = MonotonicClock.nanoseconds()
            if sent == self.clients.count, deadline == .max { deadline = now + Int64(timeout / .nanoseconds(1)) }
            let count = try queue.wait(until: min(deadline, now + 20_000_000))
            // A burst that is lost must not hold up the others: a client that has not sent anything is not silent.
            if count == 0 { underWay = 0 }
            for index in 0..<count where self.take(self.clients[queue[index].token], &report) {
                done += 1
                underWay = max(underWay - 1, 0)
            }
        }
        report.silent += self.clients.count { !$0.isDone }
    }

    /// True if the client is done by this.
    private func take(_ client: Client, _ report: inout DatagramReport) -> Bool {
        var isNew = false
        do throws(SystemError) {
            while let bytes = try client.socket.receive() {
                if client.isDone {
                    report.doubled += 1
                    continue
                }
                (client.isDone, isNew) = (true, true)
                let name = bytes.dropLast(self.payload.count)
                if bytes.count < self.payload.count || !bytes.suffix(self.payload.count).elementsEqual(self.payload) {
                    report.wrong += 1
                } else {
                    report.answered += 1
                    let server = String(decoding: name.filter { $0 != 10 }, as: UTF8.self)
                    if !server.isEmpty { report.answeredBy[server, default: 0] += 1 }
                }
            }
        } catch {
            if !client.isDone, error.number == ECONNREFUSED {
                (client.isDone, isNew) = (true, true)
                report.refused += 1
            }
        }
        return isNew
    }
}
