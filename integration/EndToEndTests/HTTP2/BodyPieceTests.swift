import Lab
import Testing

extension EndToEnd.HTTP2.Shared {
    /// How the body of a request is passed on that comes in small frames.
    @Suite struct BodyPieceTests {
        @Test func `small pieces that come together are passed on together, and one that comes alone at once`() throws {
            let scene = try Stage.scene
            let backend = try scene.backend("pieces")
            let rules = ingress("pieces", [.init("pieces.test", [.prefix("/", .to("pieces"))])])
            try scene.with("pieces", try scene.service("pieces") + [rules]) {
                let path = freshTarget("/pieces")
                let conversation = try scene.converse()
                let stream = try conversation.open(
                    HTTP2Request("POST", path, authority: "pieces.test"), ends: false)
                func received() -> Int { backend.records.last { $0.targets.contains(path) }?.receivedCount ?? 0 }
                expectSoon("the head has come") { received() > 0 }
                let head = received()
                let pieces = (0..<1_000).flatMap { _ in HTTP2Frame.data([120], on: stream).bytes }
                #expect(conversation.offer(bytes: pieces, for: .seconds(5)) == pieces.count)
                expectSoon("all pieces have come") { received() >= head + 1_000 }
                // A chunk for each byte would be six bytes for each.
                #expect(received() < head + 2_000, "\(received() - head) bytes for 1,000 of the body")
                for number in 1...3 {
                    let before = received()
                    try conversation.send(.data([120], on: stream))
                    expectSoon("piece \(number) has come, though no other has") { received() > before }
                }
                try conversation.send(.data([], on: stream, ends: true))
                #expect(try conversation.response(on: stream)["x-body-length"] == "1003")
            }
        }
    }
}
