import Lab
import Linux
import Networking

/// What an HTTP server said; header names in lower case.
struct HTTPAnswer {
    let status: Int
    let headers: [String: String]
    let body: String
}

extension Host {
    /// nil if nobody speaks HTTP there.
    func get(_ target: SocketAddress, path: String = "/", _ further: [String] = []) throws -> HTTPAnswer? {
        let url = "http://\(target)\(path)"
        let completion = try self.execute(
            ["curl", "--silent", "--include", "--max-time", "2", "--globoff", url] + further)
        guard completion.succeeded else { return nil }
        let text = completion.output.replacing("\r\n", with: "\n")
        guard let end = text.firstRange(of: "\n\n") else { return nil }
        let lines = text[..<end.lowerBound].split(separator: "\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, let status = Int(words[1]) else { return nil }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            headers[line[..<colon].lowercased()] = String(value)
        }
        return HTTPAnswer(status: status, headers: headers, body: String(text[end.upperBound...]))
    }
}
