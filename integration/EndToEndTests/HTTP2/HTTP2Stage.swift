import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// HTTP/2 of the ingress role, over real sockets, on both sides.
    @Suite struct HTTP2 {}
}

extension EndToEnd.HTTP2 {
    /// Tests that share one Fairlead. Each brings its own hosts, and takes them away again.
    @Suite(StageTrait()) struct Shared {}

    /// The same, with a Fairlead that is short of patience.
    @Suite(StageTrait(options: IngressOptions.hurried + Attack.options, hasPromptBackend: Attack.isFull)) struct Hurried
    {}
}

extension IngressScene {
    /// HTTP/2 with prior knowledge. Without `greets` nothing has been said yet.
    func converse(
        _ settings: [HTTP2Setting] = [], greets: Bool = true, acknowledges: Bool = true, opensWindows: Bool = true,
        receiveBuffer: Int? = nil
    ) throws -> HTTP2Conversation {
        try self.host.converseByHTTP2(
            with: Self.http, settings, greets: greets, acknowledges: acknowledges, opensWindows: opensWindows,
            receiveBuffer: receiveBuffer)
    }

    /// HTTP/2 by ALPN.
    func converseSecurely(name: String, _ options: [String] = []) throws -> HTTP2Conversation {
        try self.host.converseByHTTP2OverTLS(with: Self.https, name: name, options: options)
    }
}

/// A host of one's own, `NAME.test`, and its h2c backends, which have scripts and failures of their own.
func withHTTP2Application(
    _ name: String, _ pods: [String], _ annotations: [String: String] = [:], _ settings: [HTTP2Setting] = [],
    _ manners: HTTP2Backend.Manners = .init(),
    _ body: (_ scene: IngressScene, _ pods: [HTTP2Backend]) throws -> Void
) throws {
    let scene = try Stage.scene
    let backends = try pods.map { try scene.http2Backend("\(name)-\($0)", settings, manners) }
    let rules = ingress(name, [.init("\(name).test", [.prefix("/", .to(name))])], annotations)
    try scene.with(name, scene.http2Service(name, on: backends) + [rules]) { try body(scene, backends) }
    for backend in backends {
        #expect(backend.breaches.isEmpty, "\(backend.name) was told what is no HTTP/2")
    }
}

extension HTTP2Backend {
    /// What it was told that is no HTTP/2. Who has said GOAWAY, or takes no requests, may find that its connection was closed while
    /// it still said something; that is none.
    var breaches: [String] { self.faults.filter { !$0.hasPrefix("send: ") && !$0.hasPrefix("recv: ") } }
}

/// A normal request gets an answer, and it is its own.
func expectOwnAnswer(
    _ conversation: HTTP2Conversation, _ comment: @autoclosure () -> String, host: String = "a.example",
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let target = freshTarget()
    do {
        let response = try conversation.exchange(HTTP2Request("GET", target, authority: host))
        let isOwn = response.status == 200 && response.echoed?.target == target && response.echoed?.method == "GET"
        #expect(isOwn, "\(comment()): \(response)", sourceLocation: sourceLocation)
    } catch {
        Issue.record("\(comment()): \(error)", sourceLocation: sourceLocation)
    }
}
