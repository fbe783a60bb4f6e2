internal import Balancing
internal import Bytes
internal import HTTP1
internal import Reactor
internal import Routing

/// Requests of one client go to one endpoint, if their route says so.
extension Worker {
    /// Finds out which endpoint a request belongs to.
    mutating func findAffinity(_ client: Handle, _ affinity: RouteAffinity) {
        guard affinity.kind != .none else { return }
        let table = self.view.retainTable()
        self.clients[client].exchange.table = table
        self.clients[client].exchange.affinity =
            self.view.withText(table) { text in
                let name = text.extracting(affinity.name.bounds)
                return self.clients[client].affinity(affinity.kind, name, self.fields)
            } ?? .none
    }

    /// A line for the answer that tells the client its endpoint, in the scratch buffer; empty if there is none to tell.
    mutating func writeCookie(_ client: Handle) -> ByteRange {
        let exchange = self.clients[client].exchange
        guard let value = exchange.cookie, exchange.table >= 0 else { return .empty }
        let affinity = exchange.settings.affinity
        let isSecure =
            affinity.security == .always || affinity.security == .likeRequest && self.clients[client].isSecure
        self.scratch.clear()
        let room = self.scratch.space
        self.view.withText(exchange.table) { text in
            guard Int(affinity.name.count) + Int(affinity.attributes.count) + 64 <= room else { return }
            self.scratch.append("Set-Cookie: ")
            self.scratch.append(text.extracting(affinity.name.bounds))
            self.scratch.append(UInt8(ascii: "="))
            for index in 0..<AffinityValue.digits { self.scratch.append(value.digit(index)) }
            self.scratch.append(text.extracting(affinity.attributes.bounds))
            self.scratch.append(isSecure ? "; Secure\r\n" : "\r\n")
        }
        return ByteRange(start: 0, count: self.scratch.count)
    }
}

extension ClientConnection {
    /// What the head in the input says of the endpoint that it belongs to.
    func affinity(
        _ kind: RouteAffinity.Kind, _ name: Span<UInt8>, _ fields: borrowing FieldTable
    ) -> Exchange.Affinity {
        let bytes = self.input.readable
        switch kind {
        case .none: return .none
        case .cookie:
            for index in 0..<fields.count where fields[index].field == .cookie {
                if let value = Self.cookie(bytes, fields[index].value, name) { return .session(value) }
            }
            return .session(nil)
        case .header:
            for index in 0..<fields.count where Self.isName(bytes, fields[index].name, name) {
                return .key(AffinityKey.standard.key(bytes.extracting(fields[index].value.indices)))
            }
            return .none
        }
    }

    /// Whether a field has a name, which is in lower case.
    private static func isName(_ bytes: Span<UInt8>, _ field: ByteRange, _ name: Span<UInt8>) -> Bool {
        guard Int(field.count) == name.count else { return false }
        for index in 0..<name.count {
            let byte = bytes[field.lowerBound + index]
            let lower = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
            if lower != name[index] { return false }
        }
        return true
    }

    /// The value of a cookie in a `Cookie` field (RFC 6265 section 4.2.1), if it is one of ours.
    private static func cookie(_ bytes: Span<UInt8>, _ field: ByteRange, _ name: Span<UInt8>) -> AffinityValue? {
        var index = field.lowerBound
        let end = field.upperBound
        while index < end {
            while index < end, bytes[index] == UInt8(ascii: " ") { index += 1 }
            let start = index
            while index < end, bytes[index] != UInt8(ascii: ";") { index += 1 }
            let valueStart = start + name.count + 1
            if valueStart <= index, bytes[valueStart - 1] == UInt8(ascii: "=") {
                var isSame = true
                for offset in 0..<name.count where bytes[start + offset] != name[offset] { isSame = false }
                if isSame { return AffinityValue(bytes.extracting(valueStart..<index)) }
            }
            index += 1
        }
        return nil
    }
}
