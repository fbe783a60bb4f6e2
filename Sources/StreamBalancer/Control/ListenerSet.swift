internal import Linux
internal import Networking
internal import Reactor
internal import ServiceModel

/// The sockets of all that is served, one for each worker. They are made here, on the thread of whoever wants something served, and
/// given to the workers; who may come to them is changed here as well, since a filter is the socket's.
struct ListenerSet {
    private enum Sockets {
        case connections([ListeningSocket])
        case datagrams([DatagramListener])
        /// Nobody is served, and nobody is told: what comes is dropped.
        case droppingConnections(ListeningSocket)
        case droppingDatagrams(DatagramListener)
    }

    private struct Entry {
        var sockets: Sockets
        /// nil: everybody may come.
        var admitted: [AddressRange]?

        var isServing: Bool {
            switch self.sockets {
            case .connections, .datagrams: true
            case .droppingConnections, .droppingDatagrams: false
            }
        }
    }

    private var entries: [StreamAddress: Entry] = [:]
    private let workers: Int
    private let backlog: Int32

    init(workers: Int, backlog: Int) {
        self.workers = workers
        self.backlog = Int32(clamping: backlog)
    }

    mutating func remove(_ address: StreamAddress) { self.entries[address] = nil }

    /// Makes what a frontend needs that is not there yet. Returns the sockets that workers are to be given.
    mutating func adopt(
        _ frontend: ServedFrontend, _ detection: ClientDetection
    ) throws(StreamListenError) -> [StreamSocketOffer] {
        let address = frontend.address
        let admitted = frontend.admission(detection)
        if let entry = self.entries[address], entry.isServing == frontend.isServed, frontend.wantsSocket {
            try self.admit(admitted, at: address)
            return []
        }
        guard frontend.wantsSocket else {
            self.remove(address)
            return []
        }
        // What was there goes when its successors are in its place: nobody is refused in between.
        do throws(SystemError) {
            guard frontend.isServed else {
                self.entries[address] = Entry(sockets: try self.dropping(address), admitted: [])
                return []
            }
            // Shared always: the one before may not be closed yet, as its worker has still to take what waits there.
            let place = SocketAddress(address.address, address.port)
            if address.transport == .udp {
                var sockets: [DatagramListener] = []
                for _ in 0..<self.workers { sockets.append(try DatagramListener(at: place, isShared: true)) }
                self.entries[address] = Entry(sockets: .datagrams(sockets), admitted: nil)
            } else {
                var sockets: [ListeningSocket] = []
                for _ in 0..<self.workers {
                    sockets.append(try ListeningSocket(at: place, backlog: self.backlog, isShared: true, isFree: true))
                }
                self.entries[address] = Entry(sockets: .connections(sockets), admitted: nil)
            }
        } catch {
            throw .socket(error)
        }
        try self.admit(admitted, at: address)
        switch self.entries[address]?.sockets {
        case .connections(let sockets): return sockets.map(StreamSocketOffer.connections)
        case .datagrams(let sockets): return sockets.map(StreamSocketOffer.datagrams)
        default: return []
        }
    }

    /// An address that cannot be had is somebody else's, or not this host's: it will be said when it is to be served.
    mutating func reserve(_ address: StreamAddress) {
        // Whose connection the kernel does not translate any more is told so, as if nobody listened.
        if let sockets = try? self.dropping(address, .dropsConnecting) {
            self.entries[address] = Entry(sockets: sockets, admitted: [])
        }
    }

    private func dropping(
        _ address: StreamAddress, _ connecting: SocketFilter = .dropsAll
    ) throws(SystemError) -> Sockets {
        let place = SocketAddress(address.address, address.port)
        if address.transport == .udp {
            return .droppingDatagrams(try DatagramListener(at: place, isShared: true, filter: .dropsAll))
        }
        let socket = try ListeningSocket(at: place, backlog: 1, isShared: true, isFree: true)
        try connecting.attach(to: socket.number)
        return .droppingConnections(socket)
    }

    /// What others send is dropped by the kernel, before a connection comes about: they are told nothing. Of datagrams it cannot tell
    /// those of a session, which goes on whoever may begin one; so each worker decides (``EndpointChooser``).
    private mutating func admit(
        _ ranges: [AddressRange]?, at address: StreamAddress
    ) throws(StreamListenError) {
        guard let entry = self.entries[address], entry.admitted != ranges,
            case .connections(let sockets) = entry.sockets
        else { return }
        let filter: SocketFilter
        do throws(SocketFilter.TooLong) {
            let family = address.address.family
            filter = try SocketFilter(admitting: ranges ?? [.all(family)], family: family)
        } catch {
            throw .filter(error)
        }
        do throws(SystemError) {
            for socket in sockets { try filter.attach(to: socket.number) }
        } catch {
            throw .socket(error)
        }
        self.entries[address]?.admitted = ranges
    }
}

/// Why nobody can come to an address, or not only those who may.
enum StreamListenError: Error, CustomStringConvertible {
    case socket(SystemError)
    case filter(SocketFilter.TooLong)

    var description: String {
        switch self {
        case .socket(let error): "\(error)"
        case .filter(let error): "\(error)"
        }
    }
}

extension ServedFrontend {
    /// Without one the host itself answers, and refuses.
    var wantsSocket: Bool { self.isServed || self.target == .drop || self.outside == .drop }

    /// Who may come; nil for everybody.
    func admission(_ detection: ClientDetection) -> [AddressRange]? {
        let family = self.address.address.family
        var ranges = self.admittedSources
        if self.outside == .drop || self.target == .drop && self.outside != nil {
            let inside = AddressRange.merged(
                detection.inside.filter { $0.first.family == family })
            let admitted = self.outside == .drop ? inside : AddressRange.subtracting(inside, from: [.all(family)])
            ranges = ranges.map { AddressRange.intersection($0, admitted, family) } ?? admitted
        }
        return ranges
    }
}

extension ClientDetection {
    /// This node and its pods.
    fileprivate var inside: [AddressRange] {
        self.podBlocks.map { AddressRange($0) } + self.nodeAddresses.map { AddressRange(CIDR(host: $0)) }
            + [CIDR("127.0.0.0/8"), CIDR("::1/128")].compactMap(\.self).map { AddressRange($0) }
    }
}

extension AddressRange {
    /// Of two lists of one family.
    fileprivate static func intersection(
        _ one: [AddressRange], _ other: [AddressRange], _ family: AddressFamily
    ) -> [AddressRange] {
        Self.subtracting(Self.subtracting(other, from: [.all(family)]), from: one)
    }
}
