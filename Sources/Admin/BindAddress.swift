package import Networking

/// Where to listen.
package struct BindAddress: Hashable, Sendable {
    package let address: IPAddress
    package let port: UInt16

    package init(_ address: IPAddress, _ port: UInt16) {
        self.address = address
        self.port = port
    }

    /// From `ADDRESS:PORT`, `[IPV6]:PORT` or an address alone, as kube-proxy reads it (its `IPPortVar`); nil if
    /// it is none of these.
    package init?(_ text: String, defaultPort: UInt16) {
        if let address = IPAddress(text) {
            self.init(address, defaultPort)
            return
        }
        guard let colon = text.lastIndex(of: ":") else { return nil }
        var host = text[..<colon]
        let digits = text[text.index(after: colon)...]
        // A number has no sign here.
        guard let port = UInt16(digits), digits.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") }) else { return nil }
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.contains(":") else { return nil }
        } else if host.contains(":") {
            return nil
        }
        guard let address = IPAddress(String(host)) else { return nil }
        self.init(address, port)
    }

    /// The addresses of the listeners: the unspecified one of either family is every address of both, as
    /// in Go, so in kube-proxy.
    var listeners: [IPAddress] { self.address.isUnspecified ? Self.everywhere : [self.address] }

    package static let everywhere = [IPAddress(ipv4: 0), IPAddress(ipv6High: 0, low: 0)]
}

extension BindAddress: CustomStringConvertible {
    /// `127.0.0.1:10249`, `[::1]:10249`.
    package var description: String {
        self.address.text(port: self.port)
    }
}
