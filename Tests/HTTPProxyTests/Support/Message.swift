import LineSupport

/// A request or an answer, as far as a test looks at it.
struct Message {
    var startLine = ""
    var fields: [(name: String, value: String)] = []
    var body: [UInt8] = []
    var trailers: [String] = []

    /// Of an answer.
    var status: Int { Int(self.startLine.split(separator: " ").dropFirst().first ?? "") ?? 0 }
    var reason: String? { self["X-Fairlead-Reason"] }
    var text: String { String(decoding: self.body, as: UTF8.self) }

    /// The value of a field; of several, with commas.
    subscript(name: String) -> String? {
        let values = self.fields.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }
}

extension Line {
    /// The next head, without a body.
    func readHead() async throws -> Message {
        let text = try await self.read(through: "\r\n\r\n")
        var message = Message()
        // CRLF is one character.
        var lines = text.split(separator: "\r\n").map { String($0) }
        message.startLine = lines.removeFirst()
        for line in lines {
            guard let colon = line.firstIndex(of: ":") else { throw Problem(description: "no field: \(line)") }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            message.fields.append((String(line[..<colon]), String(value)))
        }
        return message
    }

    /// The next message, whole. An answer that has neither length nor chunks lasts until the connection is closed; one that
    /// is to HEAD has no body.
    func readMessage(toHEAD: Bool = false) async throws -> Message {
        var message = try await self.readHead()
        let isAnswer = message.startLine.hasPrefix("HTTP/")
        if toHEAD || [204, 304].contains(message.status) || isAnswer && message.status < 200 { return message }
        if message["Transfer-Encoding"]?.lowercased() == "chunked" {
            let body = try await self.readChunks()
            message.body = body.data
            message.trailers = body.trailers
        } else if let length = message["Content-Length"] {
            guard let count = Int(length) else { throw Problem(description: "no length: \(length)") }
            message.body = try await self.read(count)
        } else if isAnswer {
            let (bytes, ending) = try await self.readToEnd()
            guard ending == .closed else { throw Problem(description: "\(ending) after \(bytes.count) bytes") }
            message.body = bytes
        }
        return message
    }

    private func readChunks() async throws -> ChunkedText.Body {
        var body = ChunkedText.Body()
        while true {
            let size = try await self.read(through: "\r\n")
            guard let count = Int(size.dropLast(), radix: 16) else { throw Problem(description: "no size: \(size)") }
            if count == 0 { break }
            body.data += try await self.read(count)
            guard try await self.read(2) == [13, 10] else { throw Problem(description: "a chunk without its end") }
        }
        while true {
            let line = try await self.read(through: "\r\n")
            if line == "\r\n" { return body }
            body.trailers.append(String(line.dropLast()))
        }
    }

    /// Asks, and lets the endpoint answer; what each of the two got.
    func exchange(
        _ request: String, _ upstream: Line, answer: String
    ) async throws -> (request: Message, answer: Message) {
        try await self.send(request)
        let seen = try await upstream.readMessage()
        try await upstream.send(answer)
        return (seen, try await self.readMessage())
    }
}

extension String {
    static func get(_ path: String = "/", host: String = "a.example", _ fields: String...) -> String {
        "GET \(path) HTTP/1.1\r\nHost: \(host)\r\n" + fields.map { "\($0)\r\n" }.joined() + "\r\n"
    }

    static func post(_ path: String = "/", _ body: String, host: String = "a.example") -> String {
        "POST \(path) HTTP/1.1\r\nHost: \(host)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    /// Of an endpoint.
    static func ok(_ body: String, _ fields: String...) -> String {
        "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n" + fields.map { "\($0)\r\n" }.joined()
            + "\r\n\(body)"
    }
}
