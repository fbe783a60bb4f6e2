internal import KubernetesAPI

/// Which endpoints are asked for: the query of `GET /v1/endpoints`.
package struct EndpointQuery: Hashable, Sendable {
    package static let path = "/v1/endpoints"

    /// nil: of all.
    package var namespace: String?
    package var service: String?

    package init(namespace: String? = nil, service: String? = nil) {
        self.namespace = namespace
        self.service = service
    }

    /// From what stands behind the question mark of a request.
    package init(query: String) throws(APIFailure) {
        for part in query.split(separator: "&") {
            let pieces = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pieces.count == 2, let value = URLText.decode(pieces[1]), !value.isEmpty else {
                throw .badRequest("'\(part)' is not NAME=VALUE")
            }
            switch pieces[0] {
            case "namespace" where self.namespace == nil: self.namespace = value
            case "service" where self.service == nil: self.service = value
            case "namespace", "service": throw .badRequest("'\(pieces[0])' is given twice")
            // Who asks for less must not be given more for a slip of the pen.
            default: throw .badRequest("there is no parameter '\(pieces[0])': namespace and service can be given")
            }
        }
    }

    /// Path and query, for a request.
    package var target: String {
        let parameters = [("namespace", self.namespace), ("service", self.service)].compactMap { name, value in
            value.map { "\(name)=\(URLText.encode($0))" }
        }
        return parameters.isEmpty ? Self.path : "\(Self.path)?\(parameters.joined(separator: "&"))"
    }

    func selects(_ name: ObjectName) -> Bool {
        (self.namespace.map { $0 == name.namespace } ?? true) && (self.service.map { $0 == name.name } ?? true)
    }
}

/// Percent-encoding (RFC 3986 section 2.1).
enum URLText {
    static func encode(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default: result += "%\(byte < 16 ? "0" : "")\(String(byte, radix: 16, uppercase: true))"
            }
        }
        return result
    }

    /// nil for what is not encoded so, or is not UTF-8.
    static func decode(_ text: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(Self.digit), let low = rest.popFirst().flatMap(Self.digit) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        Character(Unicode.Scalar(byte)).hexDigitValue.map { UInt8($0) }
    }
}
