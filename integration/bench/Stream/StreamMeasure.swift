import Lab

/// A measure with as much load as a proxy on one processor can take, told by its letter.
struct StreamMeasure: Hashable {
    /// Below this share of its processor a proxy was not the narrow place: the load takes about as much of the other.
    static let saturation = 0.85
    static let udpClients = 256

    /// What counts.
    enum Unit {
        case bytes, connections, exchanges, packets

        var singular: String {
            switch self {
            case .bytes: "byte"
            case .connections: "connection"
            case .exchanges: "exchange"
            case .packets: "packet"
            }
        }
    }

    let letter: String
    let title: String
    let load: StreamLoad.Kind
    /// Or, of UDP, clients that have a datagram under way at a time.
    var connections = 64

    static let download = StreamMeasure(
        letter: "a", title: "bulk to the client, in writes of 256 KiB", load: .tcp(.download(write: 256 << 10)),
        connections: 16)
    static let upload = StreamMeasure(
        letter: "a", title: "bulk from the client, in writes of 256 KiB", load: .tcp(.upload(write: 256 << 10)),
        connections: 16)
    /// Small writes, one at a time: a stream of them would keep the load busier than the proxies.
    static let smallWrites = StreamMeasure(
        letter: "b", title: "4 KiB each way on kept connections", load: .tcp(.exchange(4 << 10)))
    static let newConnections = StreamMeasure(
        letter: "c", title: "new connections, 64 bytes each way", load: .tcp(.connection(64)))
    static let exchanges = StreamMeasure(
        letter: "d", title: "64 bytes each way on kept connections", load: .tcp(.exchange(64)))
    static let smallDatagrams = StreamMeasure(letter: "e", title: "UDP echo, 64 bytes", load: .udp(64))
    static let largeDatagrams = StreamMeasure(letter: "e", title: "UDP echo, 1,200 bytes", load: .udp(1200))

    /// Those of a group are taken in turn in the same rounds.
    static let groups: [[StreamMeasure]] = [
        [.download, .upload], [.smallWrites, .exchanges], [.newConnections], [.smallDatagrams, .largeDatagrams],
    ]

    var unit: Unit {
        switch self.load {
        case .tcp(.download), .tcp(.upload): .bytes
        case .tcp(.connection): .connections
        case .tcp(.exchange): .exchanges
        case .udp: .packets
        }
    }

    /// Those of `proxies` that can do this.
    func supported(_ proxies: [Proxy]) -> [Proxy] {
        if case .udp = self.load { proxies.filter { $0 != .haproxy } } else { proxies }
    }
}
