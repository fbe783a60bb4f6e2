import Bytes
import HTTP1

/// Any path: what comes out is what a slow and simple reading of the rules gives, and normal.
enum PathInvariants {
    static func check(_ bytes: [UInt8]) throws(Violation) {
        let path = [UInt8(ascii: "/")] + bytes.filter { $0 > 0x20 && $0 < 0x7f && $0 != 0x23 && $0 != 0x3f }
        for encodedSlashes in EncodedSlashPolicy.allCases {
            let expected = Self.model(path, encodedSlashes)
            let actual = Self.normalize(path, encodedSlashes)
            try require(actual == expected, "\(path.text): \(actual), by the rules \(expected)")
            guard case .success(let normal) = actual else { continue }
            try require(Self.normalize(normal, encodedSlashes) == actual, "\(normal.text) changes once more")

            // As part of a request, where the short cut is taken.
            let request = Array("GET ".utf8) + path + Array(" HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
            var fields = FieldTable()
            let limits = MessageLimits(startLine: request.count)
            guard request.count < limits.head,
                case .complete(let head) = RequestParser.parse(request.span, limits: limits, fields: &fields)
            else { continue }
            var scratch = ByteBuffer(capacity: request.count)
            switch PathNormalizer.normalize(request.span, head, encodedSlashes: encodedSlashes, into: &scratch) {
            case .unchanged(let range): try require(request[range] == normal, "taken for normal: \(path.text)")
            case .rewritten(let range): try require(scratch.contents[range] == normal, "not as by itself: \(path.text)")
            case .refused(let refusal): throw Violation("\(path.text) is refused: \(refusal)")
            }
        }
    }

    enum Outcome: Equatable, CustomStringConvertible {
        case success([UInt8])
        case refused

        var description: String {
            switch self {
            case .success(let path): path.text
            case .refused: "refused"
            }
        }
    }

    static func normalize(_ path: [UInt8], _ encodedSlashes: EncodedSlashPolicy) -> Outcome {
        var scratch = ByteBuffer(capacity: max(path.count, 1))
        let range = ByteRange(start: 0, count: path.count)
        switch PathNormalizer.normalize(path.span, range, encodedSlashes: encodedSlashes, into: &scratch) {
        case .unchanged: return .success(path)
        case .rewritten(let range): return .success(scratch.contents[range])
        case .refused: return .refused
        }
    }

    /// RFC 3986 sections 6.2.2.2 and 5.2.4 and what `PathNormalizer` refuses, with arrays of arrays.
    static func model(_ path: [UInt8], _ encodedSlashes: EncodedSlashPolicy) -> Outcome {
        let unreserved = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)
        var decoded: [UInt8] = []
        var rest = path[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\") { return .refused }
            guard byte == UInt8(ascii: "%") else {
                decoded.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            guard digits.count == 2, !digits.contains(UInt8(ascii: "+")), !digits.contains(UInt8(ascii: "-")),
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16), value != 0
            else { return .refused }
            rest = rest.dropFirst(2)
            let isSlash = value == 0x2f || value == 0x5c
            if isSlash, encodedSlashes == .reject { return .refused }
            if unreserved.contains(value) { decoded.append(value) } else { decoded += [byte] + digits }
        }
        var segments: [[UInt8]] = []
        let parts = decoded.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for part in parts {
            switch String(decoding: part, as: UTF8.self) {
            case "", ".": break
            case "..":
                if segments.isEmpty { return .refused }
                segments.removeLast()
            case let segment:
                // As a backend could read it: encoded slashes decoded, parameters cut off.
                var pieces = segment.replacing("%2f", with: "/").replacing("%2F", with: "/")
                pieces = pieces.replacing("%5c", with: "/").replacing("%5C", with: "/")
                pieces = pieces.replacing("%3b", with: ";").replacing("%3B", with: ";")
                for piece in pieces.split(separator: "/", omittingEmptySubsequences: false) {
                    let name = piece.split(separator: ";", omittingEmptySubsequences: false).first ?? ""
                    if name == "." || name == ".." { return .refused }
                }
                segments.append(Array(part))
            }
        }
        var normal = segments.reduce(into: [UInt8]()) { $0 += [UInt8(ascii: "/")] + $1 }
        let last = parts.last.map { String(decoding: $0, as: UTF8.self) } ?? ""
        if normal.isEmpty || last.isEmpty || last == "." || last == ".." { normal.append(UInt8(ascii: "/")) }
        return .success(normal)
    }
}
