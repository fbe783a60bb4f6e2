internal import Balancing
internal import Bytes
internal import HTTP1
internal import Reactor

/// Heads of requests are read, and heads of answers.
extension Worker {
    enum HeadReading {
        /// More of it has to come.
        case incomplete
        /// It is being served, or answered.
        case begun
    }

    /// Looks at what the client's input begins with.
    mutating func parseHead(_ client: Handle) -> HeadReading {
        switch self.clients[client].parseHead(self.messages, &self.fields) {
        case .incomplete: return .incomplete
        case .complete(let head):
            self.clients[client].requests &+= 1
            self.counters.requests &+= 1
            self.clients[client].phase = .exchanging
            _ = self.begin(client, head)
            return .begun
        case .refused(let refusal):
            self.counters.requests &+= 1
            self.counters.requestsRefused &+= 1
            self.clients[client].closesAfterExchange = true
            _ = self.answer(client, .refused(refusal.reason))
            return .begun
        }
    }

    enum AnswerReading {
        case incomplete
        /// An interim response was passed on, or left out.
        case interim
        /// The body comes next.
        case begun
        /// The exchange is over: failed, and dealt with; or a tunnel now.
        case over
        /// It is tried again: this upstream is gone.
        case retried
    }

    /// Looks at what the upstream's input begins with.
    mutating func parseAnswer(_ client: Handle, _ upstream: Handle) -> AnswerReading {
        let context = ResponseContext(
            method: self.clients[client].exchange.method, upgrade: self.clients[client].exchange.upgrade)
        switch self.upstreams[upstream].parseHead(context, self.messages, &self.fields) {
        case .incomplete: return .incomplete
        case .malformed: return self.tryFailed(client, .brokenReply) ? .over : .retried
        case .complete(let head):
            if head.status == 101 { return self.switchProtocols(client, upstream, head) }
            return head.status < 200
                ? self.passInterim(client, upstream, head) : self.beginAnswer(client, upstream, head)
        }
    }
}
