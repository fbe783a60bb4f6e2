internal import AsyncHTTPClient
package import KubernetesWire
package import Logging
package import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Synchronization

/// Sends requests to the API server: to the first of its addresses that answers, with the credentials that are good
/// at the time.
package final class APIClient: Sendable {
    /// The head of a good answer, and its body to be read.
    package struct Response: Sendable {
        package let status: Int
        fileprivate let contentType: String?
        fileprivate let body: HTTPClientResponse.Body
        fileprivate let request: String
        /// What it comes over.
        let session: Session
        fileprivate let timeout: Duration

        private var server: APIServerAddress { self.session.server }

        /// How the body is written; nil if it does not say, or says something else.
        package var format: WireFormat? { self.contentType.flatMap { WireFormat(contentType: $0) } }

        /// Reads the body in the pieces in which it comes, as long as `take` says that there is need of more.
        package func read(
            _ take: (ByteBuffer) async throws(APIError) -> Bool
        ) async throws(APIError) {
            do {
                for try await chunk in self.body {
                    guard try await take(chunk) else { return }
                }
            } catch let error as APIError {
                throw error
            } catch {
                throw APIError(mapping: error, request: self.request, server: self.server, hasAnswered: true)
            }
        }

        /// Reads all of the body, which is to come within the time that answers have.
        package func readAll(limit: Int) async throws(APIError) -> [UInt8] {
            do {
                return try await withThrowingTaskGroup(of: [UInt8].self) { group in
                    group.addTask { @Sendable in try await self.collect(limit: limit) }
                    group.addTask { @Sendable in
                        try await Task.sleep(for: self.timeout)
                        throw self.failure(.timeout, "the answer did not come to an end in time")
                    }
                    defer { group.cancelAll() }
                    return try await group.next() ?? []
                }
            } catch let error as APIError {
                throw error
            } catch {
                throw self.failure(.cancelled, "was cancelled")
            }
        }

        private func collect(limit: Int) async throws(APIError) -> [UInt8] {
            var bytes: [UInt8] = []
            try await self.read { chunk throws(APIError) in
                guard bytes.count + chunk.readableBytes <= limit else {
                    throw self.failure(.malformed, "the answer is larger than \(limit) bytes")
                }
                bytes.append(contentsOf: chunk.readableBytesView)
                return true
            }
            return bytes
        }

        private func failure(_ code: APIError.Code, _ message: String) -> APIError {
            APIError(code, request: self.request, server: self.server, message: message)
        }
    }

    private struct State {
        var server: Int
        var sessions: [Session.Purpose: Session] = [:]
        /// Those that are not to be used any more, and still have requests.
        var retired: [Session] = []

        mutating func retire(_ purpose: Session.Purpose) {
            guard let session = self.sessions.removeValue(forKey: purpose) else { return }
            session.retire()
            self.retired.removeAll(where: \.isClosed)
            self.retired.append(session)
        }
    }

    package let configuration: ClientConfiguration
    private let group: MultiThreadedEventLoopGroup
    private let credentials: CredentialStore
    private let state: Mutex<State>
    private let logger: Logger

    /// Its connections live on a thread of their own, in the network namespace of the caller, until ``shutdown()``.
    package init(_ configuration: ClientConfiguration, logger: Logger) {
        self.configuration = configuration
        self.group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        self.credentials = CredentialStore(configuration)
        // Not the same one for all nodes.
        self.state = Mutex(State(server: Int.random(in: configuration.servers.indices)))
        self.logger = logger
    }

    /// Closes all connections. No request may be under way, and none may follow.
    package func shutdown() async {
        let sessions = self.state.withLock { state in
            for purpose in Session.Purpose.allCases { state.retire(purpose) }
            return state.retired
        }
        for session in sessions { await session.end() }
        // What fails here is the closing of what is closed.
        try? await self.group.shutdownGracefully()
    }

    /// Says at start what could not work whatever the server says.
    package func validate() async throws(ClientConfigurationError) {
        let credentials = try await self.credentials.current()
        _ = try self.session(for: .following, credentials.tls)
    }

    // MARK: - Requests

    /// Sends a request and has the answer read by `body`.
    ///
    /// - Parameter isList: whether the answer may be many megabytes.
    /// - Throws: for every answer that is no success, with what the server said.
    package func send<Result: Sendable>(
        _ request: APIRequest,
        isList: Bool = false,
        timeout: Duration? = nil,
        _ body: (Response) async throws(APIError) -> Result
    ) async throws(APIError) -> Result {
        let purpose = isList ? Session.Purpose.listing : .following
        do throws(APIError) {
            return try await self.attempt(request, purpose, timeout, body)
        } catch  where error.status?.code == 401 {
            // What they were made of may have been renewed since.
            await self.credentials.rejected(error.authorization)
            return try await self.attempt(request, purpose, timeout, body)
        }
    }

    private func attempt<Result: Sendable>(
        _ request: APIRequest,
        _ purpose: Session.Purpose,
        _ timeout: Duration?,
        _ body: (Response) async throws(APIError) -> Result
    ) async throws(APIError) -> Result {
        let (session, authorization) = try await self.enterSession(for: purpose, request)
        defer { session.leave() }
        var outgoing = HTTPClientRequest(url: session.baseURL + request.target)
        outgoing.method = HTTPMethod(rawValue: request.method.rawValue)
        outgoing.headers.add(name: "Accept", value: request.accept)
        outgoing.headers.add(name: "User-Agent", value: "fairlead")
        if let authorization { outgoing.headers.add(name: "Authorization", value: authorization) }
        if let content = request.body {
            outgoing.headers.add(name: "Content-Type", value: content.mediaType)
            outgoing.body = .bytes(ByteBuffer(bytes: content.bytes))
        }
        let answer: HTTPClientResponse
        do {
            answer = try await session.execute(outgoing, timeout: timeout ?? self.configuration.limits.answerTimeout)
        } catch {
            let error = APIError(mapping: error, request: request.summary, server: session.server, hasAnswered: false)
            if error.code == .timeout {
                self.doubt(session)
            } else if error.code != .cancelled {
                self.moveOn(from: session.server)
            }
            throw error
        }
        let response = Response(
            status: Int(answer.status.code), contentType: answer.headers.first(name: "Content-Type"),
            body: answer.body, request: request.summary, session: session,
            timeout: self.configuration.limits.answerTimeout)
        guard (200..<300).contains(response.status) else {
            throw try await self.refusal(response, answer.headers, authorization)
        }
        return try await body(response)
    }

    private func refusal(
        _ response: Response,
        _ headers: HTTPHeaders,
        _ authorization: String?
    ) async throws(APIError) -> APIError {
        let server = response.session.server
        let bytes = try await response.readAll(limit: 1 << 20)
        var status = APIStatus(body: bytes, contentType: response.contentType, code: response.status)
        if let seconds = headers.first(name: "Retry-After").flatMap({ Int($0) }), status.retryAfterSeconds == nil {
            status.retryAfterSeconds = seconds
        }
        // One that is about to end, or is not ready yet; another one may be.
        if [500, 502, 503, 504].contains(response.status) { self.moveOn(from: server) }
        var error = APIError(
            .refused, request: response.request, server: server, message: "\(status)", status: status)
        error.authorization = authorization
        return error
    }

    // MARK: - Sessions

    /// A session that is not shut down until it is left.
    private func enterSession(
        for purpose: Session.Purpose,
        _ request: APIRequest
    ) async throws(APIError) -> (Session, authorization: String?) {
        do throws(ClientConfigurationError) {
            let credentials = try await self.credentials.current()
            while true {
                let session = try self.session(for: purpose, credentials.tls)
                if session.enter() { return (session, credentials.authorization) }
            }
        } catch {
            throw APIError(.noCredentials, request: request.summary, message: "\(error)")
        }
    }

    /// The one that stands, or a new one if it is for another server or with other certificates.
    private func session(
        for purpose: Session.Purpose,
        _ tls: TLSMaterial
    ) throws(ClientConfigurationError) -> Session {
        try self.state.withLock { state throws(ClientConfigurationError) in
            let server = self.configuration.servers[state.server]
            if let session = state.sessions[purpose], session.isGood(for: server, tls) { return session }
            let session = try Session(
                for: purpose, to: server, tls: tls, configuration: self.configuration, group: self.group)
            // The watches of the former one go on until the server ends them.
            state.retire(purpose)
            state.sessions[purpose] = session
            return session
        }
    }

    /// Nothing comes any more over a session, though nobody has closed it: the next request makes a new one.
    func doubt(_ session: Session) {
        let wasInUse = self.state.withLock { state in
            guard let purpose = state.sessions.first(where: { $0.value === session })?.key else { return false }
            state.retire(purpose)
            return true
        }
        // Where it is long since another one that is used, nothing is known against that.
        if wasInUse { self.moveOn(from: session.server) }
    }

    /// The next request goes to the next server, unless another request has seen to that.
    private func moveOn(from server: APIServerAddress) {
        let servers = self.configuration.servers
        guard servers.count > 1 else { return }
        let next = self.state.withLock { state -> APIServerAddress? in
            guard servers[state.server] == server else { return nil }
            state.server = (state.server + 1) % servers.count
            return servers[state.server]
        }
        if let next { self.logger.info("trying another API server", metadata: ["server": "\(next)"]) }
    }
}
