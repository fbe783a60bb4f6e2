import Lab
import Linux
import Networking
import Testing

extension EndToEnd.HTTP2.Shared {
    /// Rules C: who speaks first on a new connection to an endpoint.
    @Suite struct GreetingTests {
        /// A server may send its SETTINGS when the client's preface has come, and that needs no request to come.
        @Test(arguments: [false, true])
        func `C51 an endpoint that waits for our preface before it says its SETTINGS is used like others`(
            secured: Bool
        ) throws {
            let scene = try Stage.scene
            let name = secured ? "shy-secured" : "shy"
            var manners = HTTP2Backend.Manners()
            manners.waitsForClient = true
            let backend = try scene.http2Backend(name, [.init(.maxConcurrentStreams, 50)], manners)
            var objects = scene.http2Service(name, on: [backend])
            var relay: TLSRelay?
            defer { relay?.stop() }
            if secured {
                let certificate = try Certificate.selfSigned(for: ["\(name).test"])
                let files = [
                    try scene.file("\(name).key", certificate.key),
                    try scene.file("\(name).crt", certificate.certificate),
                ]
                let address = SocketAddress(IPAddress(127, 4, 0, 1), 3000)
                relay = try TLSRelay(
                    on: scene.host, address, before: backend.address, "h2", files: files, isOldTLS: true)
                objects = scene.service(name, endpoints: [.init(address.address)])
            }
            let rules = ingress(
                name, [.init("\(name).test", [.prefix("/", .to(name))])],
                secured ? ["backend-protocol": "HTTPS", "proxy-next-upstream-tries": "1"] : [:])
            try scene.with(name, objects + [rules]) {
                let conversation = try scene.converse()
                let streams = try (0..<10).map { _ in
                    try conversation.open(HTTP2Request("GET", "/", authority: "\(name).test"))
                }
                for stream in streams { #expect(try conversation.response(on: stream).status == 200) }
            }
            #expect(backend.faults.isEmpty && backend.completed == 10)
        }
    }
}
