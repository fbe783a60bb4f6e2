internal import CLinux
internal import Glibc

/// One netlink request that changes or asks one thing, and its answer. What has more to say to the
/// kernel than that has a socket of its own.
///
/// Unsafe invariants of this file: buffers outlive the calls that they are lent to, and no byte is read
/// beyond what was received.
struct NetlinkRequest {
    private var bytes: [UInt8]

    /// - Parameter payload: the family's own header.
    init(type: UInt16, flags: Int32 = 0, payload: [UInt8]) {
        self.bytes = []
        let header = nlmsghdr(
            nlmsg_len: 0, nlmsg_type: type, nlmsg_flags: UInt16(NLM_F_REQUEST | NLM_F_ACK | flags), nlmsg_seq: 1,
            nlmsg_pid: 0)
        unsafe withUnsafeBytes(of: header) { unsafe self.bytes.append(contentsOf: $0) }
        self.bytes += payload
    }

    mutating func append(attribute type: UInt16, _ value: [UInt8]) {
        let length = UInt16(4 + value.count)
        for number in [length, type] { self.bytes += [UInt8(truncatingIfNeeded: number), UInt8(number >> 8)] }
        self.bytes += value
        while self.bytes.count % 4 != 0 { self.bytes.append(0) }
    }

    /// Sends the request, and returns the messages that answer it: what follows each one's header. A
    /// refusal is thrown.
    func exchange(_ protocolNumber: Int32, _ call: String, _ subject: String) throws(SystemError) -> [[UInt8]] {
        let socket = Descriptor(
            owning: try systemCall("socket") {
                Glibc.socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), protocolNumber)
            })
        let number = socket.number
        // The kernel answers within the call that sends; nothing shall hang on one that does not.
        var patience = timeval(tv_sec: 5, tv_usec: 0)
        _ = try systemCall("setsockopt") {
            unsafe setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        }
        var request = self.bytes
        let length = UInt32(request.count)
        for index in 0..<4 { request[index] = UInt8(truncatingIfNeeded: length >> UInt32(index * 8)) }
        _ = try systemCall(call, subject) {
            unsafe request.withUnsafeBytes { unsafe send(number, $0.baseAddress, $0.count, 0) }
        }
        var answers: [[UInt8]] = []
        var buffer = [UInt8](repeating: 0, count: 32 << 10)
        while true {
            let count = try systemCall(call, subject) { unsafe recv(number, &buffer, buffer.count, 0) }
            for message in Self.messages(buffer[..<count]) {
                guard message.type == UInt16(NLMSG_ERROR) else {
                    answers.append(message.payload)
                    continue
                }
                let code = message.payload.prefix(4).reversed().reduce(Int32(0)) { $0 << 8 | Int32($1) }
                guard code == 0 else { throw SystemError(number: -code, call: call, subject: subject) }
                return answers
            }
        }
    }

    private static func messages(_ bytes: ArraySlice<UInt8>) -> [(type: UInt16, payload: [UInt8])] {
        var messages: [(type: UInt16, payload: [UInt8])] = []
        var rest = bytes
        while rest.count >= MemoryLayout<nlmsghdr>.size {
            let header = unsafe rest.withUnsafeBytes { unsafe $0.loadUnaligned(as: nlmsghdr.self) }
            let length = Int(header.nlmsg_len)
            guard length >= MemoryLayout<nlmsghdr>.size, length <= rest.count else { break }
            messages.append((header.nlmsg_type, Array(rest.prefix(length).dropFirst(MemoryLayout<nlmsghdr>.size))))
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return messages
    }

    /// The attributes of an answer, after `skipping` bytes of the family's own header.
    static func attributes(of answer: [UInt8], skipping: Int) -> [UInt16: [UInt8]] {
        var attributes: [UInt16: [UInt8]] = [:]
        var rest = answer.dropFirst(skipping)
        while rest.count >= 4 {
            let words = rest.prefix(4).map(UInt16.init)
            let (length, type) = (Int(words[0] | words[1] << 8), words[2] | words[3] << 8)
            guard length >= 4, length <= rest.count else { break }
            // The upper bits say that it is nested or in network order.
            attributes[type & 0x3fff] = Array(rest.prefix(length).dropFirst(4))
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return attributes
    }
}
