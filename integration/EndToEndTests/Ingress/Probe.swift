import Lab
import Synchronization
import Testing

/// Bytes for the proxy that no honest client would send, and what may come of them.
struct MessageCase: Sendable, CustomTestStringConvertible {
    enum Outcome: Sendable {
        /// One of these statuses, the connection is closed, and nothing goes to any backend.
        case refused([Int])
        /// The same, but the head may have gone ahead: no backend gets a whole request.
        case refusedInBody([Int])
        /// 200, and this holds of what the backend received.
        case forwarded(@Sendable (String) -> Bool)
        /// One or the other.
        case refusedOr([Int], @Sendable (String) -> Bool)
    }

    let row: String
    let name: String
    let text: String
    let outcome: Outcome

    init(_ row: String, _ name: String, _ text: String, _ outcome: Outcome) {
        self.row = row
        self.name = name
        self.text = text
        self.outcome = outcome
    }

    var testDescription: String { "\(self.row) \(self.name)" }

    /// A head for `a.example`, to which lines are added.
    static func get(_ lines: String...) -> String { Self.head("GET /", lines) }
    static func post(_ lines: String...) -> String { Self.head("POST /", lines) }

    private static func head(_ start: String, _ lines: [String]) -> String {
        "\(start) HTTP/1.1\r\nHost: a.example\r\n" + lines.map { "\($0)\r\n" }.joined() + "\r\n"
    }
}

extension MessageCase.Outcome {
    static let badRequest = MessageCase.Outcome.refused([400])
    static let badBody = MessageCase.Outcome.refusedInBody([400])
    /// Whatever the backend received.
    static let served = MessageCase.Outcome.forwarded { _ in true }

    /// The backend received this.
    static func seen(_ text: String) -> MessageCase.Outcome { .forwarded { $0.contains(text) } }

    /// The backend did not receive any of these, in whatever case.
    static func unseen(_ texts: String...) -> MessageCase.Outcome {
        .forwarded { received in texts.allSatisfy { !received.lowercased().contains($0.lowercased()) } }
    }
}

/// A target that no other request has.
func freshTarget(_ path: String = "/own") -> String {
    "\(path)?token=\(freshNumber.add(1, ordering: .relaxed).newValue)"
}

private let freshNumber = Atomic<Int>(0)

/// A normal request to `a.example` gets an answer, and it is its own.
func expectOwnAnswer(
    _ conversation: HTTPConversation, _ comment: @autoclosure () -> String, host: String = "a.example",
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let target = freshTarget()
    do {
        let response = try conversation.exchange(HTTPRequest("GET", target, host: host))
        let isOwn = response.status == 200 && response.echoed?.target == target && response.echoed?.method == "GET"
        #expect(isOwn, "\(comment()): \(response)", sourceLocation: sourceLocation)
    } catch {
        Issue.record("\(comment()): \(error)", sourceLocation: sourceLocation)
    }
}

/// Says the words of a case to the proxy, and holds it to the outcome.
func expectOutcome(of test: MessageCase, on scene: IngressScene, sourceLocation: SourceLocation = #_sourceLocation)
    throws
{
    let backend = try scene.backend("a")
    let before = backend.records
    let completed = backend.requests
    let conversation = try scene.connect()
    // It may be refused before all of it was sent.
    try? conversation.send(test.text)
    let response = try conversation.response()
    let statuses: [Int]
    let isForwarded: Bool
    switch test.outcome {
    case .refused(let allowed), .refusedInBody(let allowed): (statuses, isForwarded) = (allowed, false)
    case .forwarded: (statuses, isForwarded) = ([200], true)
    case .refusedOr(let allowed, _): (statuses, isForwarded) = (allowed + [200], response.status == 200)
    }
    #expect(statuses.contains(response.status), "\(test.testDescription): \(response)", sourceLocation: sourceLocation)
    if isForwarded {
        if !response.closes { expectOwnAnswer(conversation, test.testDescription, sourceLocation: sourceLocation) }
    } else {
        #expect(response.closes, "\(test.testDescription)", sourceLocation: sourceLocation)
        #expect(conversation.isClosed(within: .seconds(8)), "\(test.testDescription)", sourceLocation: sourceLocation)
    }
    // What has been forwarded by now comes before this.
    let own = freshTarget("/after")
    let after = try scene.connect().exchange(HTTPRequest("GET", own, host: "a.example"))
    #expect(after.echoed?.target == own, "\(test.testDescription)", sourceLocation: sourceLocation)
    let received = backend.received(since: before)
    switch test.outcome {
    case .refused:
        #expect(
            received.count == 1 && received[0].hasPrefix("GET \(own) HTTP/1.1\r\n"),
            "\(test.testDescription): \(received)",
            sourceLocation: sourceLocation)
    case .refusedInBody:
        #expect(
            backend.requests == completed + 1, "\(test.testDescription): \(received)", sourceLocation: sourceLocation)
    case .forwarded(let check), .refusedOr(_, let check):
        guard response.status == 200 else { break }
        let isFit = check(received.joined())
        #expect(isFit, "\(test.testDescription): \(received)", sourceLocation: sourceLocation)
    }
}
