/// Chunked bodies (RFC 9112 section 7.1), written and read in the plainest way: what the relay is held to.
enum ChunkedText {
    struct Body: Equatable {
        var data: [UInt8] = []
        /// `name: value`, each.
        var trailers: [String] = []
    }

    /// - Parameter sizes: of the chunks, by turns.
    static func encode(_ data: [UInt8], sizes: [Int], trailers: [String] = [], extended: Bool = false) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = data[...]
        var number = 0
        while !rest.isEmpty {
            let chunk = rest.prefix(sizes[number % sizes.count])
            rest = rest.dropFirst(chunk.count)
            var size = String(chunk.count, radix: 16, uppercase: number % 2 == 0)
            if extended { size = "00\(size) ;name=\"\(number)\"" }
            bytes += Array("\(size)\r\n".utf8) + chunk + Array("\r\n".utf8)
            number += 1
        }
        bytes += Array("0\r\n".utf8)
        for trailer in trailers { bytes += Array("\(trailer)\r\n".utf8) }
        return bytes + Array("\r\n".utf8)
    }

    /// nil for what is not exactly one whole body, or has more in its sizes than digits.
    static func decode(_ bytes: [UInt8]) -> Body? {
        var body = Body()
        var rest = bytes[...]
        func line() -> String? {
            guard let end = rest.indices.first(where: { rest[$0] == 10 }), end > rest.startIndex, rest[end - 1] == 13
            else { return nil }
            defer { rest = rest[(end + 1)...] }
            return String(decoding: rest[..<(end - 1)], as: UTF8.self)
        }
        while true {
            guard let text = line(), text.allSatisfy(\.isHexDigit), let size = Int(text, radix: 16) else { return nil }
            if size == 0 { break }
            guard rest.count >= size else { return nil }
            body.data += rest.prefix(size)
            rest = rest.dropFirst(size)
            guard line() == "" else { return nil }
        }
        while true {
            guard let text = line() else { return nil }
            if text.isEmpty { return rest.isEmpty ? body : nil }
            body.trailers.append(text)
        }
    }
}
