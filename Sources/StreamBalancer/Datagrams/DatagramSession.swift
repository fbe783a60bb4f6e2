internal import Reactor

/// What goes to and fro between one client and one endpoint: a socket of its own, connected to the endpoint.
struct DatagramSession: BitwiseCopyable {
    let client: PeerAddress
    let listener: Handle
    let hash: UInt32
    let endpoint: PeerAddress
    let socket: DatagramSocket
    /// Our own; and where it is in the table of those.
    let port: UInt16
    let sourceHash: UInt32
    /// What the picker knows frontend and endpoint by.
    let frontend: UInt32
    let slot: UInt64
    /// Of its frontend's endpoints, when it was last seen that it may stay.
    var revision: UInt32
    /// An answer came.
    var isAnswered = false
    /// Milliseconds.
    var lastActive: UInt64
    /// When it was last put at the end of its list.
    var listedAt: UInt64 = 0
    /// Its neighbours in that list.
    var previous = Handle.none
    var next = Handle.none

    init(
        client: PeerAddress, listener: Handle, hash: UInt32, endpoint: PeerAddress, source: DatagramForwarder.Source,
        frontend: UInt32, slot: UInt64, revision: UInt32, lastActive: UInt64
    ) {
        self.client = client
        self.listener = listener
        self.hash = hash
        self.endpoint = endpoint
        self.socket = source.socket
        self.port = source.port
        self.sourceHash = source.hash
        self.frontend = frontend
        self.slot = slot
        self.revision = revision
        self.lastActive = lastActive
    }
}

/// Sessions in the order in which they were last active, give or take ``IdleList/precision(_:)``: a datagram leaves a session where it is if
/// it has been put there just now.
struct IdleList: BitwiseCopyable {
    /// Milliseconds without a datagram, after which a session ends.
    var timeout: UInt64
    /// Milliseconds.
    let precision: UInt64
    fileprivate(set) var first = Handle.none
    fileprivate(set) var last = Handle.none

    init(timeout: Int) {
        self.timeout = UInt64(max(timeout, 1))
        self.precision = max(1, min(1_000, self.timeout / 16))
    }
}

/// The sessions that have had an answer, and those that have not.
struct IdleLists: BitwiseCopyable {
    private var unanswered: IdleList
    private var answered: IdleList

    init(_ limits: StreamLimits) {
        self.unanswered = IdleList(timeout: limits.unansweredSessionTimeout)
        self.answered = IdleList(timeout: limits.sessionTimeout)
    }

    subscript(isAnswered: Bool) -> IdleList {
        get { isAnswered ? self.answered : self.unanswered }
        set { if isAnswered { self.answered = newValue } else { self.unanswered = newValue } }
    }

    mutating func shorten(to timeout: UInt64) {
        self.unanswered.timeout = min(self.unanswered.timeout, timeout)
        self.answered.timeout = min(self.answered.timeout, timeout)
    }
}

/// Where a worker takes datagrams.
struct DatagramEntrance: ~Copyable {
    let owner: DatagramListener
    let socket: Int32
    let address: PeerAddress
    var frontend: UInt32
    /// Counts how often the endpoints changed.
    var revision: UInt32 = 0
    var sessions = 0
    /// Nobody new is taken; it closes with its last session.
    var isWithdrawn = false

    init(_ owner: DatagramListener, frontend: UInt32) {
        self.socket = owner.number
        self.address = PeerAddress(owner.address)
        self.owner = owner
        self.frontend = frontend
    }
}

/// The elements of the slabs, changed where they are: see ``Slab``.
///
/// Unsafe invariant of this file: an address is used for the access that it was asked for, and the compiler's rule of
/// exclusive access to the slab holds for that.
extension Slab where Element == DatagramSession {
    subscript(session: Handle) -> DatagramSession {
        @inline(__always) unsafeAddress {
            unsafe UnsafePointer(self.places.address(of: session).assumingMemoryBound(to: DatagramSession.self))
        }
        @inline(__always) unsafeMutableAddress {
            unsafe self.places.address(of: session).assumingMemoryBound(to: DatagramSession.self)
        }
    }

    // MARK: - Lists

    mutating func append(_ session: Handle, to list: inout IdleList, at time: UInt64) {
        self[session].listedAt = time
        self[session].previous = list.last
        self[session].next = .none
        if list.last.isNone { list.first = session } else { self[list.last].next = session }
        list.last = session
    }

    mutating func remove(_ session: Handle, from list: inout IdleList) {
        let (previous, next) = (self[session].previous, self[session].next)
        if previous.isNone { list.first = next } else { self[previous].next = next }
        if next.isNone { list.last = previous } else { self[next].previous = previous }
    }

    mutating func moveToEnd(_ session: Handle, of list: inout IdleList, at time: UInt64) {
        if list.last == session {
            self[session].listedAt = time
            return
        }
        self.remove(session, from: &list)
        self.append(session, to: &list, at: time)
    }
}

extension Slab where Element == DatagramEntrance {
    subscript(listener: Handle) -> DatagramEntrance {
        @inline(__always) unsafeAddress {
            unsafe UnsafePointer(self.places.address(of: listener).assumingMemoryBound(to: DatagramEntrance.self))
        }
        @inline(__always) unsafeMutableAddress {
            unsafe self.places.address(of: listener).assumingMemoryBound(to: DatagramEntrance.self)
        }
    }
}
