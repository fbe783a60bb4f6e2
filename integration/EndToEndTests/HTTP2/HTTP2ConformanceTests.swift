import Lab
import Linux
import Networking
import Testing

extension HTTP2Case {
    /// All of them, in the order of the document.
    static let all: [HTTP2Case] =
        [startingAndFraming, streams, messageFrames, connectionFrames, messages, compression].flatMap { $0 }
}

extension EndToEnd.HTTP2.Shared {
    /// The rules of RFC 9113, 7541 and 8441, one by one: `docs/http2-conformance.md`.
    @Suite struct HTTP2ConformanceTests {
        @Test(arguments: HTTP2Case.startingAndFraming)
        func `RFC 9113 sections 3 and 4: starting, frames, header blocks`(test: HTTP2Case) throws {
            try expectOutcome(of: test, on: try Stage.scene)
        }

        @Test(arguments: HTTP2Case.streams)
        func `RFC 9113 section 5: streams`(test: HTTP2Case) throws {
            try expectOutcome(of: test, on: try Stage.scene)
        }

        @Test(arguments: HTTP2Case.messageFrames + HTTP2Case.connectionFrames)
        func `RFC 9113 section 6: every frame`(test: HTTP2Case) throws {
            try expectOutcome(of: test, on: try Stage.scene)
        }

        @Test(arguments: HTTP2Case.messages)
        func `RFC 9113 section 8 and RFC 8441: messages`(test: HTTP2Case) throws {
            try expectOutcome(of: test, on: try Stage.scene)
        }

        @Test(arguments: HTTP2Case.compression)
        func `RFC 7541: HPACK`(test: HTTP2Case) throws {
            try expectOutcome(of: test, on: try Stage.scene)
        }
    }
}
