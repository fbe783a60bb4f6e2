import Lab

/// An HTTP response: its head as it was sent, and its body.
struct Reply: Hashable {
    let head: String
    let body: String

    var status: Int? { self.head.split(separator: " ").dropFirst().first.flatMap { Int($0) } }

    func header(_ name: String) -> String? {
        let prefix = "\(name): ".lowercased()
        return self.head.split(separator: "\r\n").first { $0.lowercased().hasPrefix(prefix) }
            .map { String($0.dropFirst(prefix.count)) }
    }
}

extension ByteConversation {
    static let get = "GET /healthz HTTP/1.1\r\nHost: node\r\n\r\n"

    func ask(_ request: String = get) throws -> Reply {
        try self.send(request)
        return try self.reply(hasBody: !request.hasPrefix("HEAD"))
    }

    func reply(hasBody: Bool = true) throws -> Reply {
        try self.read { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            guard let end = text.firstRange(of: "\r\n\r\n") else { return nil }
            let head = Reply(head: String(text[..<end.lowerBound]), body: "")
            let length = hasBody ? head.header("Content-Length").flatMap { Int($0) } ?? 0 : 0
            let start = text[..<end.upperBound].utf8.count
            guard bytes.count >= start + length else { return nil }
            defer { bytes.removeFirst(start + length) }
            return Reply(head: head.head, body: String(decoding: bytes[start..<start + length], as: UTF8.self))
        }
    }
}
