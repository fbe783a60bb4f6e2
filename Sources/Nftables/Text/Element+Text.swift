internal import Networking

extension Concatenation {
    /// A value of this type in the nft language: `10.96.0.10 . tcp . 80`.
    public func text(of bytes: ElementBytes) -> String {
        var offset = 0
        var parts: [String] = []
        for part in self.parts {
            parts.append(part.datatype.text(of: bytes, at: offset))
            offset += part.datatype.paddedLength
        }
        return parts.joined(separator: " . ")
    }

    /// A range of the last part, which is an address: `10.96.0.10 . tcp . 80 . 192.0.2.0/24`.
    func text(from first: ElementBytes, to last: ElementBytes) -> String {
        guard let part = self.parts.last else { return "?" }
        let text = self.text(of: first)
        let offset = self.length - part.datatype.paddedLength
        let family: AddressFamily = part.datatype == .ipv4Address ? .ipv4 : .ipv6
        guard let lower = first.address(family, at: offset), let upper = last.address(family, at: offset),
            lower != upper
        else { return text }
        let head = text.dropLast(lower.description.utf8.count)
        if let block = CIDR.block(from: lower, before: upper.successor) { return "\(head)\(block)" }
        return "\(text)-\(upper)"
    }

    /// `ipv4_addr . inet_proto`, or `ip daddr . meta l4proto` for a typeof.
    var declaration: String {
        self.parts.map { $0.selector?.text ?? $0.datatype.name }.joined(separator: " . ")
    }
}

extension Datatype {
    func text(of bytes: ElementBytes, at offset: Int) -> String {
        let text: String? =
            switch self {
            case .ipv4Address: bytes.address(.ipv4, at: offset)?.description
            case .ipv6Address: bytes.address(.ipv6, at: offset)?.description
            case .transportProtocol: bytes.transportProtocol(at: offset)?.description
            case .networkProtocol: bytes.networkProtocol(at: offset)
            case .port: bytes.port(at: offset)?.description
            default: bytes.integer(at: offset)?.description
            }
        return text ?? "?"
    }
}

extension NamedSet {
    /// One element in the nft language: `10.96.0.10 . tcp . 80 comment "default/web:http" : goto balance-3`.
    public func text(of element: Element) -> String {
        var text = self.key.text(of: element.key)
        if case .rangeEnd(let end) = element.value { text = self.key.text(from: element.key, to: end) }
        if self.hasCounters { text += " counter" }
        if let timeout = element.timeout { text += " timeout \(timeout)ms" }
        if let comment = element.comment { text += " comment \"\(comment)\"" }
        switch element.value {
        case nil, .rangeEnd: break
        case .verdict(let verdict): text += " : \(verdict.text)"
        case .bytes(let bytes):
            if case .values(let values) = self.data { text += " : \(values.text(of: bytes))" }
        }
        return text
    }

    /// Elements in the nft language, ranges folded back into blocks; `elements` in any order.
    public func texts(of elements: [Element]) -> [String] {
        let sorted = elements.sorted { $0.key < $1.key }
        guard self.flags.contains(.interval), !self.hasConcatenatedRanges else {
            return sorted.map { self.text(of: $0) }
        }
        var texts: [String] = []
        var start: Element?
        for element in sorted {
            switch element.boundary {
            case .end:
                if let lower = start { texts.append(self.rangeText(from: lower, to: element)) }
                start = nil
            case .none, .open:
                if let lower = start { texts.append(self.rangeText(from: lower, to: nil)) }
                start = element
            }
        }
        if let lower = start { texts.append(self.rangeText(from: lower, to: nil)) }
        return texts
    }

    private func rangeText(from lower: Element, to upper: Element?) -> String {
        let family: AddressFamily = self.key.length == 4 ? .ipv4 : .ipv6
        guard let first = lower.key.address(family, at: 0) else { return self.text(of: lower) }
        let end = upper.flatMap { $0.key.address(family, at: 0) }
        guard let block = CIDR.block(from: first, before: end) else {
            return "\(first)-\(end?.predecessor ?? AddressRange.all(family).last)"
        }
        return block.prefixLength == family.bitWidth ? first.description : block.description
    }
}
