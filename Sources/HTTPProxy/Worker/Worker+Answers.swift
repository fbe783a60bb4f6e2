internal import Bytes
internal import HTTP1
internal import Reactor

/// The answer goes back to the client.
extension Worker {
    /// Goes on with an exchange. True when it is over.
    mutating func exchange(_ client: Handle) -> Bool {
        let upstream = self.clients[client].exchange.upstream
        if upstream.isNone {
            switch self.flush(client) {
            case .done: return self.finish(client)
            case .blocked: return false
            case .failed: return self.clientLost(client)
            }
        }
        guard self.upstreams[upstream].phase == .busy else {
            // Nobody would get the answer.
            return self.clients[client].isBroken ? self.clientLost(client) : false
        }
        return self.sendRequest(client) || self.passAnswer(client)
    }

    /// Passes on what comes from the endpoint. True when the exchange is over.
    private mutating func passAnswer(_ client: Handle) -> Bool {
        while true {
            let upstream = self.clients[client].exchange.upstream
            if self.clients[client].exchange.answer == .awaited {
                if self.upstreams[upstream].hasUnparsed {
                    self.upstreams[upstream].hasUnparsed = false
                    switch self.parseAnswer(client, upstream) {
                    case .incomplete: break
                    case .interim, .begun: continue
                    case .over: return true
                    }
                }
            } else {
                switch self.stageAnswer(client, upstream) {
                case .staged: break
                case .malformed, .tooLong: return self.failed(client, .badAnswer)
                }
            }
            switch self.flush(client) {
            case .done: break
            case .blocked:
                self.expectProgress(client)
                return false
            case .failed: return self.clientLost(client)
            }
            let exchange = self.clients[client].exchange
            if exchange.answer == .started, exchange.answerBody.isDone { return self.finish(client) }
            // What was staged may have been less than there is.
            if exchange.answer == .started, !self.upstreams[upstream].input.isEmpty { continue }
            switch self.read(upstream: upstream) {
            case .some: continue
            case .nothing:
                self.expectProgress(client)
                return false
            case .end:
                if let isOver = self.upstreamEnded(client) { return isOver }
            }
        }
    }
}
