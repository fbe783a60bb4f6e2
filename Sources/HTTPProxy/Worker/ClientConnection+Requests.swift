internal import Balancing
internal import Bytes
internal import HTTP1
internal import Routing
internal import TLS

/// What is done with a request's head while it is in the input.
extension ClientConnection {
    mutating func begin(_ head: RequestHead, at now: UInt64) {
        self.exchange.method = head.method
        self.exchange.isHTTP11 = head.minorVersion >= 1
        self.exchange.upgrade = head.upgrade
        self.exchange.awaitsInterim = head.expectsContinue
        self.exchange.startedAt = now
        self.exchange.tries = 1
        self.headLength = head.length
    }

    /// If it is a call of gRPC, its answers are other ones, and it may have a deadline.
    mutating func beginCall(_ fields: borrowing FieldTable, at now: UInt64) {
        guard GRPC.isCall(self.input.readable, fields) else { return }
        self.exchange.isGRPC = true
        if let timeout = GRPC.timeout(self.input.readable, fields) { self.exchange.deadline = now + timeout }
    }

    func normalize(_ head: RequestHead, into scratch: inout ByteBuffer) -> NormalPath {
        PathNormalizer.normalize(self.input.readable, head, into: &scratch)
    }

    func match(
        _ head: RequestHead, _ path: NormalPath, _ scratch: borrowing ByteBuffer, _ view: borrowing SnapshotView
    ) -> RouteMatch {
        let bytes = self.input.readable
        let name = bytes.extracting(head.authority.name.indices)
        switch path {
        case .unchanged(let range):
            let path = bytes.extracting(range.indices)
            return head.authority.hasUppercase
                ? Self.matchLowercased(bytes, head, path, view) : view.match(host: name, path: path)
        case .rewritten(let range):
            let path = scratch.readable.extracting(range.indices)
            return head.authority.hasUppercase
                ? Self.matchLowercased(bytes, head, path, view) : view.match(host: name, path: path)
        case .refused: return RouteMatch(route: -1, knowsHost: false)
        }
    }

    @inline(never)
    private static func matchLowercased(
        _ bytes: Span<UInt8>, _ head: RequestHead, _ path: Span<UInt8>, _ view: borrowing SnapshotView
    ) -> RouteMatch {
        var text = InlineArray<256, UInt8>(repeating: 0)
        var span = text.mutableSpan
        // No name is longer: HostName.longestName.
        guard let count = HostName.writeLowercase(bytes, head.authority.name, into: &span) else {
            return RouteMatch(route: -1, knowsHost: false)
        }
        return view.match(host: text.span.extracting(first: count), path: path)
    }

    func isACMEChallenge(_ path: NormalPath, _ scratch: borrowing ByteBuffer) -> Bool {
        switch path {
        case .unchanged(let range): ACMEChallenge.matches(self.input.readable.extracting(range.indices))
        case .rewritten(let range): ACMEChallenge.matches(scratch.readable.extracting(range.indices))
        case .refused: false
        }
    }

    /// Whether the client used TLS, to us or as a proxy says that we trust.
    func isSecureRequest(_ fields: borrowing FieldTable) -> Bool {
        if self.isSecure { return true }
        guard self.isTrusted, let value = fields.value(of: .xForwardedProto), value.count == 5 else { return false }
        let bytes = self.input.readable
        let https: InlineArray<5, UInt8> = [0x68, 0x74, 0x74, 0x70, 0x73]
        for index in 0..<5 where bytes[value.lowerBound + index] | 0x20 != https[index] { return false }
        return true
    }

    /// Writes what goes to the endpoint.
    mutating func writeRequest(
        _ head: RequestHead, _ fields: borrowing FieldTable, _ path: NormalPath, _ scratch: borrowing ByteBuffer,
        _ id: RequestID
    ) -> Bool {
        Self.writeRequest(
            self.input, head, fields, path, scratch, self.forwarding, self.addressText, id, into: &self.request)
    }

    private static func writeRequest(
        _ input: borrowing ByteBuffer, _ head: RequestHead, _ fields: borrowing FieldTable, _ path: NormalPath,
        _ scratch: borrowing ByteBuffer, _ forwarding: Forwarding, _ client: AddressText, _ id: RequestID,
        into request: inout ByteBuffer
    ) -> Bool {
        ForwardedHead.writeRequest(
            input.readable, head, fields, path: path, scratch: scratch.readable, forwarding: forwarding,
            peer: client.span, requestID: id, forwardsExpectation: true, into: &request)
    }

    /// The head is done with; what follows it is the body.
    mutating func beginBody(_ head: RequestHead, _ settings: RouteSettings, _ limits: MessageLimits) {
        self.dropHead()
        self.exchange.requestBody = BodyRelay(head.framing, limit: settings.maximumBodySize, limits: limits)
        if self.isStream { self.exchange.requestBody.comesOutOfFrames() }
    }

    /// What follows the head is the next request, or a body that nobody reads.
    mutating func dropHead() {
        self.input.consume(self.headLength)
        self.headLength = 0
    }

    // MARK: - Answers

    /// Writes an answer of our own. `extra` is a range of the scratch buffer. False if it does not fit.
    mutating func writeAnswer(
        _ answer: LocalAnswer, closes: Bool, date: HTTPDate, _ scratch: borrowing ByteBuffer, extra: ByteRange
    ) -> Bool {
        if self.exchange.isGRPC {
            return GRPC.writeAnswer(
                status: answer.callStatus, reason: answer.reason, date: date, into: &self.output)
        }
        return ErrorResponse.write(
            status: answer.status, reason: answer.reason, closes: closes,
            clientMinorVersion: self.exchange.isHTTP11 ? 1 : 0, omitsBody: self.exchange.method == .head, date: date,
            extra: scratch.readable.extracting(extra.indices), into: &self.output)
    }

    /// Writes the head of the endpoint's answer.
    mutating func writeHead(
        _ source: borrowing ByteBuffer, _ head: ResponseHead, _ fields: borrowing FieldTable, framing: ResponseFraming,
        date: HTTPDate, _ scratch: borrowing ByteBuffer, extra: ByteRange
    ) -> Bool {
        ForwardedHead.writeResponse(
            source.readable, head, fields, framing: framing, clientMinorVersion: self.exchange.isHTTP11 ? 1 : 0,
            keepsAlive: !self.closesAfterExchange, date: date, extra: scratch.readable.extracting(extra.indices),
            into: &self.output)
    }

    /// Appends `Location` with what was asked for, by HTTPS (spec T12): the name without the port that it came to.
    func writeLocation(
        _ head: RequestHead, _ path: NormalPath, port: UInt16?, into scratch: inout ByteBuffer
    ) -> ByteRange {
        let bytes = self.input.readable
        let start = scratch.count
        let needed = 64 + Int(head.authority.name.count) + Int(head.path.count) + Int(head.query.count)
        guard needed <= scratch.space else { return .empty }
        scratch.append("Location: https://")
        if head.authority.kind == .ipv6 { scratch.append(UInt8(ascii: "[")) }
        scratch.append(bytes, head.authority.name)
        if head.authority.kind == .ipv6 { scratch.append(UInt8(ascii: "]")) }
        if let port {
            scratch.append(UInt8(ascii: ":"))
            scratch.append(decimal: UInt64(port))
        }
        switch path {
        case .unchanged(let range): scratch.append(bytes, range)
        case .rewritten(let range): scratch.repeat(range)
        case .refused: break
        }
        scratch.append(bytes, head.query)
        scratch.append("\r\n")
        return ByteRange(start: start, count: scratch.count - start)
    }
}
