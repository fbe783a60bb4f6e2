internal import Balancing
internal import Bytes
internal import HTTP1
internal import Reactor
internal import Routing

/// A request's head is here: where it goes, and how it is sent there.
extension Worker {
    /// Begins an exchange. True when it is over already, with an answer of our own.
    mutating func begin(_ client: Handle, _ head: RequestHead) -> Bool {
        self.clients[client].begin(head)
        self.clients[client].exchange.startedAt = self.loop.now
        if self.isDraining || self.clients[client].requests >= self.limits.requestsPerConnection {
            self.clients[client].closesAfterExchange = true
        }
        // What is matched is what is forwarded (spec 7.4).
        let path: NormalizedPath
        switch self.normalize(client, head) {
        case .success(let normal): path = normal
        case .failure(let fault): return self.answer(client, .refused(fault))
        }
        let match = self.match(client, head, path)
        guard match.isRoute else { return self.answer(client, .noRoute) }
        let settings = self.view.routes.settings(match.route)
        self.clients[client].exchange.settings = settings
        self.clients[client].exchange.route = match.route
        if let answer = self.refuse(client, head, settings, path) { return self.answer(client, answer) }

        let target = self.view.routes.target(match.route)
        guard target.refusal == .none, let backend = self.view.backend(target.backend) else {
            return self.answer(client, target.refusal == .resourceBackend ? .noRoute : .backendMissing)
        }
        self.clients[client].exchange.backend = backend
        self.backends[backend].budget.requestStarted(at: self.loop.now)
        self.clients[client].exchange.affinity = self.affinity(client, head, settings)
        guard self.writeRequest(client, head, path) else {
            return self.answer(client, .refused(.headTooLarge))
        }
        return self.acquireUpstream(client)
    }
}
