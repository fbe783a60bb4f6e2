internal import Networking

/// `healthzBindAddress` and `metricsBindAddress`: where pages are served.
package enum ServingAddress: Hashable, Sendable {
    /// Nothing said: the default for the family of `bindAddress`.
    case standard
    /// An empty flag turns the pages off. In a file that cannot be said: there it stands for the default.
    case nowhere
    /// `ADDRESS` or `ADDRESS:PORT`.
    case at(String)

    /// `ADDRESS:PORT`, of IPv6 in brackets; empty for nowhere.
    func text(standard: String, port: UInt16) -> String {
        switch self {
        case .standard: "\(standard):\(port)"
        case .nowhere: ""
        case .at(let text): Self.complete(text, port) ?? ""
        }
    }

    /// With its port, or this one; nil if it is no address.
    private static func complete(_ text: String, _ port: UInt16) -> String? {
        if let address = IPAddress(text) { return "\(self.host(address)):\(port)" }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0 else {
            return nil
        }
        var host = text[..<colon]
        let isBracketed = host.first == "[" && host.last == "]"
        if isBracketed { host = host.dropFirst().dropLast() }
        guard let address = IPAddress(String(host)), (address.family == .ipv6) == isBracketed else { return nil }
        return "\(self.host(address)):\(port)"
    }

    private static func host(_ address: IPAddress) -> String {
        address.family == .ipv4 ? "\(address)" : "[\(address)]"
    }
}

extension ServingAddress: ConfigurationValue {
    init(parsing text: String) throws(ConfigurationValueError) {
        guard !text.isEmpty else {
            self = .nowhere
            return
        }
        guard Self.complete(text, 1) != nil else {
            throw ConfigurationValueError(
                text, mustBe: "an address, or an address and a port as 0.0.0.0:10256 or [::]:10256")
        }
        self = .at(text)
    }

    var isZero: Bool { self == .nowhere }

    var literal: ConfigurationLiteral {
        if case .at(let text) = self { .string(text) } else { .string("") }
    }
}
