import Lab
import Testing

/// One rule of RFC 9113, 7541 or 8441: what a client sends, and what has to come of it.
struct HTTP2Case: Sendable, CustomTestStringConvertible {
    /// What a test may see of it. Where several things are allowed, any of them will do.
    struct Outcome: Sendable {
        /// GOAWAY with one of these codes, and the end of the connection.
        var connection: [HTTP2ErrorCode] = []
        /// RST_STREAM with one of these; the connection goes on.
        var stream: [HTTP2ErrorCode] = []
        /// An answer with one of these statuses; the connection goes on.
        var statuses: [Int] = []
        /// Nothing but the next answer.
        var mayBeIgnored = false
        /// The end of the connection, whatever is said before.
        var closes = false
        /// No backend may get it, not even the beginning of it.
        var isHidden = false
        /// No backend may get it whole.
        var staysIncomplete = false

        static func connectionError(_ codes: HTTP2ErrorCode...) -> Outcome { Outcome(connection: codes) }
        static func streamError(_ codes: HTTP2ErrorCode...) -> Outcome { Outcome(stream: codes) }
        /// A stream error, which may be taken for one of the connection (RFC 9113 section 5.4.2).
        static func someError(_ codes: HTTP2ErrorCode...) -> Outcome { Outcome(connection: codes, stream: codes) }
        /// An error of some kind, or nothing: it comes where the other end may have forgotten the stream.
        static func atMost(_ codes: HTTP2ErrorCode...) -> Outcome {
            Outcome(connection: codes, stream: codes, mayBeIgnored: true)
        }
        static func answered(_ statuses: Int...) -> Outcome { Outcome(statuses: statuses) }
        static let closed = Outcome(closes: true)
        /// The connection goes on.
        static let ignored = Outcome(mayBeIgnored: true)
        /// RFC 9113 section 8.1.1: a stream error, before which an answer may say why.
        static let malformed = Outcome(stream: [.protocolError], statuses: [400], isHidden: true)
        /// The same, where the head may have gone ahead.
        static let malformedBody = Outcome(stream: [.protocolError], statuses: [400], staysIncomplete: true)

        /// As `docs/http2-conformance.md` says it.
        var words: String {
            func names(_ codes: [HTTP2ErrorCode]) -> String { codes.map(\.description).joined(separator: " or ") }
            var parts: [String] = []
            if self.closes { parts.append("the connection is closed") }
            if !self.connection.isEmpty, self.connection == self.stream {
                parts.append("stream or connection error \(names(self.stream))")
            } else {
                if !self.connection.isEmpty { parts.append("connection error \(names(self.connection))") }
                if !self.stream.isEmpty { parts.append("stream error \(names(self.stream))") }
            }
            if !self.statuses.isEmpty { parts.append(self.statuses.map { "\($0)" }.joined(separator: " or ")) }
            if self.mayBeIgnored { parts.append(parts.isEmpty ? "the connection goes on" : "ignored") }
            let hidden = self.isHidden ? "; nothing is forwarded" : self.staysIncomplete ? "; no request is whole" : ""
            return parts.joined(separator: ", or ") + hidden
        }
    }

    /// What became of it is judged by this stream; by the connection alone if it is nil.
    typealias Play = @Sendable (HTTP2Conversation) throws -> UInt32?

    /// RFC 9113, 7541 (H before the section) or 8441 (W), the section, and a number within it.
    let row: String
    let name: String
    let outcome: Outcome
    var settings: [HTTP2Setting] = []
    var greets = true
    var opensWindows = true
    let play: Play

    init(
        _ row: String, _ name: String, _ outcome: Outcome, _ settings: [HTTP2Setting] = [], greets: Bool = true,
        opensWindows: Bool = true, _ play: @escaping Play
    ) {
        self.row = row
        self.name = name
        self.outcome = outcome
        self.settings = settings
        self.greets = greets
        self.opensWindows = opensWindows
        self.play = play
    }

    /// A header list that may be none, with END_STREAM.
    init(_ row: String, _ name: String, _ outcome: Outcome, list: @escaping @Sendable () -> [HPACKField]) {
        self.init(row, name, outcome) { try $0.open(list()) }
    }

    var testDescription: String { "\(self.row) \(self.name)" }

    /// Its line in the document.
    var line: String { "| \(self.row) | \(self.name) | \(self.outcome.words) |" }

    // MARK: - What cases are made of

    /// Answered after half a second.
    static let slowPath = "/slow"
    /// Of a body that comes there nothing is read.
    static let unreadPath = "/unread"

    /// The pseudo-fields of a request to the backend `a`, that no other request is like.
    static func pseudo(
        method: String = "GET", scheme: String = "http", authority: String = "a.example", path: String? = nil
    ) -> [HPACKField] {
        [
            .literal(":method", method), .literal(":scheme", scheme), .literal(":authority", authority),
            .literal(":path", path ?? freshTarget("/case")),
        ]
    }

    /// The same with further fields.
    static func get(_ fields: KeyValuePairs<String, String>) -> [HPACKField] {
        self.pseudo() + fields.map { .literal($0.key, $0.value) }
    }
}

extension HTTP2Conversation {
    /// Sends a header block on a new stream.
    func open(_ list: [HPACKField], ends: Bool = true) throws -> UInt32 {
        let stream = self.nextStream()
        try self.send(.headers(HPACKEncoder.encode(list), on: stream, ends: ends))
        return stream
    }

    /// A request whose answer takes a moment, so that its stream is half-closed (remote) meanwhile.
    func openSlow() throws -> UInt32 { try self.open(HTTP2Case.pseudo(path: HTTP2Case.slowPath)) }
}

/// Plays a case to the proxy, and holds it to the outcome.
func expectOutcome(of test: HTTP2Case, on scene: IngressScene, sourceLocation: SourceLocation = #_sourceLocation)
    throws
{
    let name = test.testDescription
    let backend = try scene.backend("a")
    backend.script(HTTP2Case.slowPath, [.wait(.milliseconds(500)), .awaitBody, .answer])
    backend.script(HTTP2Case.unreadPath, [.stopReading, .hang])
    let before = backend.records
    let completed = backend.requests
    let conversation = try scene.converse(test.settings, greets: test.greets, opensWindows: test.opensWindows)
    var stream: UInt32?
    do {
        stream = try test.play(conversation)
    } catch let error as LabError {
        Issue.record("\(name): \(error)", sourceLocation: sourceLocation)
        return
    } catch {
        // It may have been refused before all of it was sent.
    }
    let goesOn = try expectVerdict(on: stream, of: conversation, test, sourceLocation)
    if goesOn {
        expectOwnAnswer(conversation, name, sourceLocation: sourceLocation)
    } else {
        expectOwnAnswer(try scene.converse(), name, sourceLocation: sourceLocation)
    }
    let received = backend.received(since: before)
    if test.outcome.isHidden {
        let isHidden = received.count == 1 && received[0].hasPrefix("GET /own?")
        #expect(isHidden, "\(name): \(received)", sourceLocation: sourceLocation)
    }
    if test.outcome.staysIncomplete {
        #expect(backend.requests == completed + 1, "\(name): \(received)", sourceLocation: sourceLocation)
    }
}

/// Whether the connection goes on.
private func expectVerdict(
    on stream: UInt32?, of conversation: HTTP2Conversation, _ test: HTTP2Case, _ sourceLocation: SourceLocation
) throws -> Bool {
    let name = test.testDescription
    let outcome = test.outcome
    if let stream {
        switch try conversation.verdict(on: stream) {
        case .answered(let response):
            let isFit = outcome.statuses.contains(response.status) || (outcome.mayBeIgnored && response.status == 200)
            #expect(isFit, "\(name): \(response)", sourceLocation: sourceLocation)
            return true
        case .reset(let code):
            #expect(outcome.stream.contains(code), "\(name): \(code)", sourceLocation: sourceLocation)
            return true
        case .nothing:
            Issue.record("\(name): nothing came of the stream", sourceLocation: sourceLocation)
            return true
        case .ended: break
        }
    } else {
        let hasToEnd = outcome.closes || !outcome.connection.isEmpty
        if !hasToEnd || (outcome.mayBeIgnored && conversation.isAlive()) { return true }
    }
    let ending = conversation.ending()
    #expect(ending.isClosed, "\(name): \(ending)", sourceLocation: sourceLocation)
    if !outcome.closes {
        let isFit = ending.goAway.map { outcome.connection.contains($0) } ?? false
        #expect(isFit, "\(name): \(ending)", sourceLocation: sourceLocation)
    }
    return false
}
