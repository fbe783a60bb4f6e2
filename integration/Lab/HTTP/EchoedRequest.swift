/// A request as an ``HTTPBackend`` received it, from the answer that repeats it.
package struct EchoedRequest: Sendable {
    package let line: String
    package let fields: [HTTPField]

    package var method: String { self.words.first ?? "" }
    package var target: String { self.words.count > 1 ? self.words[1] : "" }
    private var words: [String] { self.line.split(separator: " ").map(String.init) }

    /// The value of the only field of that name; of several, all, joined by bars.
    package subscript(name: String) -> String? {
        let values = self.fields.values(name)
        return values.isEmpty ? nil : values.joined(separator: " | ")
    }
}

extension HTTPResponse {
    /// Which ``HTTPBackend`` answered; nil if none did.
    package var backend: String? { self["X-Backend"] }

    /// The number of its connection there, and that of its request on it.
    package var upstreamConnection: Int? { self["X-Connection"].flatMap { Int($0) } }
    package var upstreamRequest: Int? { self["X-Request"].flatMap { Int($0) } }

    /// What the backend received; nil unless it answered as usual.
    package var echoed: EchoedRequest? {
        guard self.backend != nil, let end = HTTPLines.headEnd(self.body, from: 0),
            let lines = try? HTTPLines.split(self.body[..<(end - 4)]), let line = lines.first,
            let fields = try? lines.dropFirst().map({ try HTTPField(line: $0) })
        else { return nil }
        return EchoedRequest(line: String(decoding: line, as: UTF8.self), fields: fields)
    }
}
