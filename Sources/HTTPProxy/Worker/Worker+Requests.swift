internal import Balancing
internal import Bytes
internal import HTTP1
internal import Reactor
internal import Routing

/// A request's head is here: where it goes, and how it is sent there.
extension Worker {
    /// Begins an exchange. True when it is over already, with an answer of our own.
    mutating func begin(_ client: Handle, _ head: RequestHead) -> Bool {
        self.clients[client].begin(head, at: self.loop.now)
        if !head.keepsAlive || self.isDraining || self.clients[client].requests >= self.limits.requestsPerConnection {
            self.clients[client].closesAfterExchange = true
        }
        if self.clients[client].isStream {
            self.clients[client].beginCall(self.fields, at: self.loop.now)
        }
        // What is matched is what is forwarded (spec 7.4).
        self.scratch.clear()
        let path = self.clients.normalize(client, head, into: &self.scratch)
        if case .refused(let refusal) = path { return self.answer(client, .refused(refusal.reason), to: head) }
        guard self.view.hasRoutes else { return self.answer(client, .starting, to: head) }
        let match = self.clients[client].match(head, path, self.scratch, self.view)
        guard match.isRoute else { return self.answer(client, .noRoute, to: head) }
        let settings = self.view.settings(match.route)
        self.clients[client].exchange.settings = settings
        let id = RequestID(high: self.random.next(), low: self.random.next())
        if settings.writesAccessLog { self.beginLog(client, head, id) }
        if let answer = self.refusal(client, head, settings, path) {
            var extra = ByteRange.empty
            if case .redirect = answer {
                // There is no address to name.
                if head.authority.kind == .none { return self.answer(client, .refused(.missingHost), to: head) }
                extra = self.clients.writeLocation(
                    client, head, path, port: self.view.redirectPort, into: &self.scratch)
            }
            return self.answer(client, answer, to: head, extra: extra)
        }
        let target = self.view.target(match.route)
        switch target.refusal {
        case .none: break
        case .resourceBackend: return self.answer(client, .noRoute, to: head)
        case .noClientAuthority: return self.answer(client, .noClientAuthority, to: head)
        }
        let backend = self.view.backend(target.backend)
        guard !backend.isNone else { return self.answer(client, .serviceMissing, to: head) }

        self.findAffinity(client, settings.affinity)
        if !self.clients[client].request.hasMemory { self.clients[client].request = self.heads.take() }
        guard self.clients[client].writeRequest(head, self.fields, path, self.scratch, id) else {
            return self.answer(client, .refused(.headTooLarge), to: head)
        }
        self.clients[client].exchange.headSize = self.clients[client].request.count
        self.clients[client].beginBody(head, settings, self.messages)
        self.enterBackend(client, backend)
        self.backends[backend].budget.requestStarted(at: self.loop.now)
        return self.acquireUpstream(client)
    }

    /// An answer before anything of the request went on. True when that is over.
    private mutating func answer(
        _ client: Handle, _ answer: LocalAnswer, to head: RequestHead, extra: ByteRange = .empty
    ) -> Bool {
        if head.framing != .none { self.clients[client].closesAfterExchange = true }
        self.clients[client].dropHead()
        return self.answer(client, answer, extra: extra)
    }

    /// Why a request is not passed on, although there is a route for it.
    private func refusal(
        _ client: Handle, _ head: RequestHead, _ settings: RouteSettings, _ path: NormalPath
    ) -> LocalAnswer? {
        if settings.clientAuthentication >= 0 {
            // What the connection was made for decides which certificates were asked for (spec 7.4: SNI and Host).
            guard let policy = self.view.clientPolicy(settings.clientAuthentication),
                self.clients[client].clientPolicy == policy
            else { return .misdirected }
            if settings.demandsClientCertificate, !self.clients[client].hasVerifiedCertificate { return .noCertificate }
        }
        if settings.redirectsToHTTPS, !self.clients[client].isSecureRequest(self.fields),
            !self.clients[client].isACMEChallenge(path, self.scratch)
        {
            return .redirect
        }
        if settings.maximumBodySize > 0, case .length(let length) = head.framing, length > settings.maximumBodySize {
            return .bodyTooLarge
        }
        return nil
    }
}
