internal import CLinux
internal import Glibc

/// One rtnetlink request.
struct RouteMessage {
    // linux/rtnetlink.h
    static let newRoute: UInt16 = 24
    static let deleteRoute: UInt16 = 25
    static let getRoute: UInt16 = 26
    static let destination: UInt16 = 1
    static let interface: UInt16 = 4

    private(set) var type: UInt16
    private(set) var flags: UInt16
    private(set) var payload: [UInt8]

    init(type: UInt16, flags: Int32 = 0, header: [UInt8]) {
        self.type = type
        self.flags = UInt16(Int32(NLM_F_REQUEST) | flags)
        self.payload = header
    }

    mutating func append(_ attribute: UInt16, _ value: [UInt8]) {
        let length = UInt16(4 + value.count)
        for number in [length, attribute] {
            self.payload += [UInt8(truncatingIfNeeded: number), UInt8(number >> 8)]
        }
        self.payload += value
        while self.payload.count % 4 != 0 { self.payload.append(0) }
    }

    /// With a header in front, as it is sent.
    func bytes(sequence: UInt32, adding flag: Int32 = 0) -> [UInt8] {
        let header = nlmsghdr(
            nlmsg_len: UInt32(MemoryLayout<nlmsghdr>.size + self.payload.count), nlmsg_type: self.type,
            nlmsg_flags: self.flags | UInt16(flag), nlmsg_seq: sequence, nlmsg_pid: 0)
        return unsafe withUnsafeBytes(of: header) { unsafe Array($0) } + self.payload
    }
}

/// A connection to rtnetlink over which many requests go at once.
///
/// Unsafe invariants of this file: buffers outlive the calls that they are lent to, and no byte is read beyond what was
/// received.
struct RouteSocket: ~Copyable {
    private let socket: Descriptor
    private var sequence: UInt32 = 0
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)
    /// Dumps that were changed while they ran are taken again so many times.
    private static let dumpTries = 5

    init() throws(SystemError) {
        let kind = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let socket = Descriptor(owning: try systemCall("socket") { Glibc.socket(AF_NETLINK, kind, NETLINK_ROUTE) })
        try Self.prepare(socket.number)
        self.socket = socket
    }

    private static func prepare(_ number: Int32) throws(SystemError) {
        // The kernel answers within the call that sends; nothing shall hang on one that does not.
        var patience = timeval(tv_sec: 5, tv_usec: 0)
        _ = try systemCall("setsockopt") {
            unsafe setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        }
        // Lists have what was asked for, and not every route (SOL_NETLINK and NETLINK_GET_STRICT_CHK of linux/netlink.h).
        var isOn: Int32 = 1
        _ = try systemCall("setsockopt") {
            unsafe setsockopt(number, 270, 12, &isOn, socklen_t(MemoryLayout<Int32>.size))
        }
    }

    /// Sends requests at once, which the kernel does in their order, each on its own. Returns the errno of those that it
    /// refused, by their places.
    mutating func exchange(_ messages: [RouteMessage]) throws(SystemError) -> [Int: Int32] {
        guard !messages.isEmpty else { return [:] }
        let first = self.sequence &+ 1
        self.sequence &+= UInt32(messages.count)
        var bytes: [UInt8] = []
        for (index, message) in messages.enumerated() {
            // Refusals are always answered. The answer to the last one is the end.
            bytes += message.bytes(
                sequence: first &+ UInt32(index), adding: index == messages.count - 1 ? NLM_F_ACK : 0)
        }
        try self.send(bytes)
        var failures: [Int: Int32] = [:]
        while true {
            for answer in try self.receive() where answer.header.nlmsg_type == UInt16(NLMSG_ERROR) {
                let index = answer.header.nlmsg_seq &- first
                guard index < messages.count else { continue }
                let number = -Self.integer(answer.payload)
                if number != 0 { failures[Int(index)] = number }
                if index == messages.count - 1 { return failures }
            }
        }
    }

    /// What the kernel lists: what follows the header of each message.
    mutating func dump(_ message: RouteMessage) throws(SystemError) -> [[UInt8]] {
        for _ in 0..<Self.dumpTries {
            if let answers = try self.dumpOnce(message) { return answers }
        }
        throw SystemError(number: EINTR, call: "list", subject: "routes")
    }

    /// nil: what is listed changed meanwhile.
    private mutating func dumpOnce(_ message: RouteMessage) throws(SystemError) -> [[UInt8]]? {
        self.sequence &+= 1
        try self.send(message.bytes(sequence: self.sequence, adding: Int32(NLM_F_DUMP)))
        var answers: [[UInt8]] = []
        var isWhole = true
        while true {
            for answer in try self.receive() where answer.header.nlmsg_seq == self.sequence {
                if answer.header.nlmsg_flags & UInt16(NLM_F_DUMP_INTR) != 0 { isWhole = false }
                switch Int32(answer.header.nlmsg_type) {
                case NLMSG_DONE:
                    // A table that has never had a route is not there yet.
                    let number = answer.payload.isEmpty ? 0 : -Self.integer(answer.payload)
                    guard number == 0 || number == ENOENT else {
                        throw SystemError(number: number, call: "list routes")
                    }
                    return isWhole ? answers : nil
                case NLMSG_ERROR: throw SystemError(number: -Self.integer(answer.payload), call: "list routes")
                default: answers.append(answer.payload)
                }
            }
        }
    }

    private func send(_ bytes: [UInt8]) throws(SystemError) {
        let number = self.socket.number
        _ = try systemCall("send", "rtnetlink") {
            unsafe bytes.withUnsafeBytes { unsafe Glibc.send(number, $0.baseAddress, $0.count, 0) }
        }
    }

    private mutating func receive() throws(SystemError) -> [(header: nlmsghdr, payload: [UInt8])] {
        let number = self.socket.number
        let count = try systemCall("recv", "rtnetlink") {
            unsafe self.buffer.withUnsafeMutableBytes { unsafe recv(number, $0.baseAddress, $0.count, 0) }
        }
        var messages: [(header: nlmsghdr, payload: [UInt8])] = []
        let headerSize = MemoryLayout<nlmsghdr>.size
        var rest = self.buffer[..<count]
        while rest.count >= headerSize {
            let header = unsafe rest.withUnsafeBytes { unsafe $0.loadUnaligned(as: nlmsghdr.self) }
            let length = Int(header.nlmsg_len)
            guard length >= headerSize, length <= rest.count else { break }
            messages.append((header, Array(rest.prefix(length).dropFirst(headerSize))))
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return messages
    }

    private static func integer(_ bytes: [UInt8]) -> Int32 {
        bytes.prefix(4).reversed().reduce(Int32(0)) { $0 << 8 | Int32($1) }
    }
}
