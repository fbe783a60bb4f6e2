internal import Balancing
internal import Bytes
internal import HTTP1
internal import Reactor
internal import Routing

/// Requests whose route asks for it are written down.
extension Worker {
    /// Takes down what the head says, while it is here.
    mutating func beginLog(_ client: Handle, _ head: RequestHead, _ id: RequestID) {
        guard self.accessLog.isWanted else { return }
        self.clients[client].openLog(
            head, self.fields, id: id, at: MonotonicClock.microseconds, in: self.heads.take())
    }

    /// The request has ended, or its connection has.
    mutating func endLog(_ client: Handle) {
        let exchange = self.clients[client].exchange
        var endpoint: SocketText?
        var backend = ""
        if !exchange.backend.isNone {
            backend = self.backends[exchange.backend].id.description
            endpoint = self.backends[exchange.backend].endpoints.endpoint(exchange.slot).map {
                SocketText($0.address, $0.port)
            }
        }
        let outcome = AccessLogOutcome(
            client: self.clients[client].addressText,
            version: self.clients[client].isStream ? .http2 : exchange.isHTTP11 ? .http11 : .http10,
            isSecure: self.clients[client].isSecure,
            status: exchange.status == 0 ? Self.clientClosedRequest : exchange.status,
            reason: exchange.local?.reason,
            requestBytes: UInt64(self.clients[client].log.headLength) &+ exchange.requestBody.transferred,
            answerBytes: exchange.answerBody.transferred,
            microseconds: MonotonicClock.microseconds &- self.clients[client].log.startedAt, tries: exchange.tries,
            endpoint: endpoint)
        self.clients.add(client, to: &self.accessLog, outcome, backend: backend, now: self.loop.now)
        self.give(self.clients[client].log.text.move())
    }

    /// What nginx logs when the client closes before there is an answer.
    private static let clientClosedRequest: UInt16 = 499
}

extension Slab where Element == ClientConnection {
    fileprivate func add(
        _ client: Handle, to lines: inout AccessLogLines, _ outcome: AccessLogOutcome, backend: String, now: UInt64
    ) {
        lines.add(self[client].log, outcome, backend: backend, now: now)
    }
}

extension ClientConnection {
    fileprivate mutating func openLog(
        _ head: RequestHead, _ fields: borrowing FieldTable, id: RequestID, at now: UInt64,
        in text: consuming ByteBuffer
    ) {
        Self.open(&self.log, self.input, head, fields, id, now, text)
    }

    private static func open(
        _ log: inout AccessLogEntry, _ input: borrowing ByteBuffer, _ head: RequestHead,
        _ fields: borrowing FieldTable, _ id: RequestID, _ now: UInt64, _ text: consuming ByteBuffer
    ) {
        log.open(input.readable, head, fields, id: id, at: now, in: text)
    }
}
