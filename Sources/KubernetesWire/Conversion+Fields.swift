internal import KubernetesAPI
internal import Networking

/// Single values of fields; what cannot be used is nil, and noted.
extension Conversion {
    mutating func address(_ text: String, _ field: @autoclosure () -> String) -> IPAddress? {
        if let address = FieldRules.address(text) { return address }
        self.note(field(), "must be an IP address, not \(FieldRules.quote(text))")
        return nil
    }

    /// An address that packets may be sent to.
    mutating func usableAddress(
        _ text: String,
        refusingLoopback: Bool,
        _ field: @autoclosure () -> String
    ) -> IPAddress? {
        guard let address = self.address(text, field()) else { return nil }
        guard let range = FieldRules.specialRange(of: address, refusingLoopback: refusingLoopback) else {
            return address
        }
        self.note(field(), "must not be \(range): \(address)")
        return nil
    }

    mutating func block(_ text: String, _ field: @autoclosure () -> String) -> CIDR? {
        if let block = FieldRules.block(text) { return block }
        self.note(field(), "must be a CIDR, not \(FieldRules.quote(text))")
        return nil
    }

    /// At most one block of each family, as the API server allows.
    mutating func blocks(_ texts: [String], _ field: String) -> [CIDR] {
        var blocks: [CIDR] = []
        for (index, text) in texts.enumerated() {
            guard let block = self.block(text, "\(field)[\(index)]") else { continue }
            if blocks.contains(where: { $0.family == block.family }) {
                self.note("\(field)[\(index)]", "is left out: a second block of its family")
            } else {
                blocks.append(block)
            }
        }
        return blocks
    }

    /// A protocol by its API name; TCP if empty.
    mutating func transport(_ text: String, _ field: @autoclosure () -> String) -> TransportProtocol? {
        if text.isEmpty { return .tcp }
        if let transport = TransportProtocol(kubernetesName: text) { return transport }
        self.note(field(), "is not served: \(FieldRules.quote(text))")
        return nil
    }

    /// A port's number; nil without a note if it is 0, which the API has for none.
    mutating func port(_ number: Int32, _ field: @autoclosure () -> String) -> UInt16? {
        if number == 0 { return nil }
        if let port = UInt16(exactly: number) { return port }
        self.note(field(), "must be between 1 and 65535, not \(number)")
        return nil
    }

    /// A port whose name is held once.
    mutating func shared(_ port: PortReference) -> PortReference {
        switch port {
        case .number: port
        case .name(let name): .name(self.strings.shared(name))
        }
    }

    /// One of the spellings of an enumeration; `fallback` if empty or unknown.
    mutating func choice<Choice: RawRepresentable<String>>(
        _ text: String,
        _ fallback: Choice,
        _ field: @autoclosure () -> String
    ) -> Choice {
        if text.isEmpty { return fallback }
        if let choice = Choice(rawValue: text) { return choice }
        self.note(field(), "is not known: \(FieldRules.quote(text)), taken as \(fallback.rawValue)")
        return fallback
    }
}
