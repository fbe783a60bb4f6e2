import Glibc
import Lab
import Linux
import Networking
import Testing

extension EndToEnd.HTTP2.Shared {
    /// Rules G: gRPC, with Python's grpcio on both sides where it does not matter what exactly is on the wire.
    @Suite struct GRPCTests {
        /// `make attacks` makes it 100,000.
        private static let calls =
            unsafe getenv("FAIRLEAD_GRPC_CALLS").flatMap { Int(unsafe String(cString: $0)) } ?? 2000

        @Test func `G1 all four shapes, with and without messages`() throws {
            try withGRPC("shapes", ["one"]) { scene, _ in
                try GRPCChecks(
                    "unary", "server_streaming", "client_streaming", "bidirectional", "empty", on: scene.host,
                    authority: "shapes.test"
                ).expectSuccess()
            }
        }

        @Test func `G2 the same from clients over TLS, and by the annotation GRPC`() throws {
            let certificate = try Certificate.selfSigned(for: ["annotated.test"])
            try withGRPC("annotated", ["one"], ["backend-protocol": "GRPC"]) { scene, _ in
                var rules = ingress("annotated-tls", [.init("annotated.test", nil)])
                rules.tls = [.init(["annotated.test"], secret: "annotated")]
                try scene.with("annotated-tls", [SecretManifest("annotated", certificate), rules]) {
                    let authority = try scene.file("annotated.pem", certificate.certificate)
                    try GRPCChecks(
                        "unary", "server_streaming", "client_streaming", "bidirectional", "large", on: scene.host,
                        to: IngressScene.https, authority: "annotated.test", options: ["--ca", authority]
                    ).expectSuccess()
                }
            }
        }

        @Test func `G3 the same to servers with TLS, by the annotation GRPCS`() throws {
            try withGRPC("secured", ["one"], ["backend-protocol": "GRPCS"], secured: true) { scene, _ in
                try GRPCChecks(
                    "unary", "server_streaming", "client_streaming", "bidirectional", "status", "large", on: scene.host,
                    authority: "secured.test"
                ).expectSuccess()
            }
        }

        @Test func `G4 statuses, trailers alone, and metadata of text and bytes`() throws {
            try withGRPC("statuses", ["one"]) { scene, _ in
                try GRPCChecks("status", "unimplemented", "metadata", on: scene.host, authority: "statuses.test")
                    .expectSuccess()
            }
        }

        @Test func `G5 deadlines get to the server, and end the call on both sides`() throws {
            try withGRPC("deadlines", ["one"]) { scene, servers in
                try GRPCChecks("deadline", on: scene.host, authority: "deadlines.test").expectSuccess()
                #expect(waitUntil(timeout: Sanitizer.bound(.seconds(5))) { servers[0].hasSeenGivenUp("deadline") })
            }
        }

        @Test func `G6 a call that is cancelled is cancelled at the server`() throws {
            try withGRPC("cancelled", ["one"]) { scene, servers in
                try GRPCChecks("cancellation", "unary", on: scene.host, authority: "cancelled.test").expectSuccess()
                for call in ["cancelled unary", "cancelled stream"] {
                    #expect(
                        waitUntil(timeout: Sanitizer.bound(.seconds(5))) { servers[0].hasSeenGivenUp(call) }, "\(call)")
                }
            }
        }

        @Test func `G7 messages of 4 MiB`() throws {
            try withGRPC("large", ["one"]) { scene, _ in
                try GRPCChecks("large", on: scene.host, authority: "large.test").expectSuccess()
            }
        }

        @Test func `G8 calls of one connection spread over all endpoints of a Service, and none fails`() throws {
            try withGRPC("grpc-spread", ["one", "two", "three"]) { scene, _ in
                let checks = try GRPCChecks(
                    "spread", on: scene.host, authority: "grpc-spread.test", options: ["--calls", "\(Self.calls)"],
                    timeout: .seconds(540))
                checks.expectSuccess()
                let counts = ["one", "two", "three"].map { checks.number($0) ?? 0 }
                #expect(counts.reduce(0, +) == Self.calls)
                #expect(counts.allSatisfy { abs($0 - Self.calls / 3) <= Self.calls / 50 + 2 }, "\(counts)")
                print("gRPC: \(Self.calls) unary calls: \(counts)")
            }
        }

        @Test func `G9 errors that the proxy makes are gRPC's, to who speaks that`() throws {
            try withHTTP2Application(
                "erring", ["1"], ["proxy-read-timeout": "300ms", "proxy-next-upstream-tries": "1"]
            ) {
                scene, pods in
                for path in ["/lab.Test/Hang", "/lab.Test/Reset"] { pods[0].script(path, [.hang]) }
                pods[0].script("/lab.Test/Reset", [.awaitBody, .reset(.internalError)])
                let unserved = ingress("unserved", [.init("unserved.test", [.prefix("/", .to("nobody"))])])
                try scene.with("unserved", [unserved]) {
                    let conversation = try scene.converse()
                    // 404 is UNIMPLEMENTED, 502 to 504 are UNAVAILABLE (gRPC, "HTTP to gRPC Status Code Mapping").
                    for (host, path, http, codes) in [
                        ("unserved.test", "/lab.Test/Echo", 503, ["14"]),
                        ("unknown.test", "/lab.Test/Echo", 404, ["12"]),
                        ("erring.test", "/lab.Test/Reset", 502, ["14"]),
                        ("erring.test", "/lab.Test/Hang", 504, ["14", "4"]),
                    ] {
                        let call = HTTP2Request(
                            "POST", path, authority: host, ["content-type": "application/grpc", "te": "trailers"],
                            body: "\0\0\0\0\0")
                        let answer = try conversation.exchange(call)
                        #expect(answer.status == 200 && answer.bodyLength == 0, "\(host)\(path): \(answer)")
                        #expect(answer["content-type"]?.hasPrefix("application/grpc") == true, "\(answer)")
                        let status = answer["grpc-status"] ?? answer.trailers.values("grpc-status").first ?? ""
                        #expect(codes.contains(status), "\(host)\(path): \(answer)")
                        let plain = try conversation.exchange(HTTP2Request("POST", path, authority: host, body: "x"))
                        #expect(plain.status == http && plain["grpc-status"] == nil, "\(host)\(path): \(plain)")
                    }
                }
                let checks = try GRPCChecks("unavailable", on: scene.host, authority: "unserved.test")
                #expect(checks.lines[0].contains("UNIMPLEMENTED"), "\(checks.lines)")
            }
        }

        @Test func `G10 a deadline that nobody keeps is kept by the proxy`() throws {
            try withHTTP2Application("late", ["1"], ["proxy-read-timeout": "20s"]) { scene, pods in
                pods[0].script("/lab.Test/Hang", [.hang])
                pods[0].script("/lab.Test/Begun", [.head(200, [HTTPField("content-type", "application/grpc")]), .hang])
                let conversation = try scene.converse()
                for (path, timeout) in [
                    ("/lab.Test/Hang", "300m"), ("/lab.Test/Hang", "300000u"), ("/lab.Test/Begun", "1S"),
                ] {
                    let start = ContinuousClock.now
                    let call = HTTP2Request(
                        "POST", path, authority: "late.test",
                        ["content-type": "application/grpc", "te": "trailers", "grpc-timeout": "\(timeout)"], body: "x")
                    switch try conversation.verdict(on: try conversation.open(call)) {
                    case .answered(let answer):
                        let status = answer["grpc-status"] ?? answer.trailers.values("grpc-status").first
                        #expect(answer.status == 200 && status == "4", "\(path): \(answer)")
                    case .reset(let code): Issue.record("\(path): \(code)")
                    case .ended(let ending): Issue.record("\(ending)")
                    case .nothing: Issue.record("nothing came")
                    }
                    let duration = ContinuousClock.now - start
                    #expect(duration > .milliseconds(250) && duration < .seconds(5), "\(duration)")
                }
                let isToldSo = waitUntil(timeout: .seconds(3)) {
                    pods[0].requests.allSatisfy { $0.resetCode != nil } && pods[0].requests.count == 3
                }
                #expect(isToldSo, "the server works on for nobody")
            }
        }

        @Test func `G11 messages go on one by one, in both directions, as they come`() throws {
            try withHTTP2Application("drip", ["1"]) { scene, pods in
                pods[0].script("/lab.Test/Chat", [.head(200, [HTTPField("content-type", "application/grpc")]), .echo])
                let conversation = try scene.converse()
                let call = HTTP2Request(
                    "POST", "/lab.Test/Chat", authority: "drip.test",
                    ["content-type": "application/grpc", "te": "trailers"])
                let stream = try conversation.open(call, ends: false)
                #expect(try conversation.head(on: stream).status == 200)
                var slowest = Duration.zero
                for number in 0..<50 {
                    let message: [UInt8] = [0, 0, 0, 0, 1, UInt8(number)]
                    let start = ContinuousClock.now
                    try conversation.send(message, on: stream)
                    #expect(try conversation.read(message.count, on: stream) == message)
                    slowest = max(slowest, ContinuousClock.now - start)
                }
                #expect(slowest < .seconds(1), "\(slowest)")
                try conversation.send([], on: stream, ends: true)
                #expect(try conversation.response(on: stream).status == 200)
            }
        }
    }
}
