import Lab
import Linux
import Networking
import Testing

extension EndToEnd.HTTP2.Shared {
    /// Rules C: clients that others wrote, before backends of both versions.
    @Suite struct PeerTests {
        /// `peers.test` in front of a backend of that version.
        private static func with(_ version: HTTPVersion, _ body: (IngressScene) throws -> Void) throws {
            let scene = try Stage.scene
            let rules = ingress("peers", [.init("peers.test", [.prefix("/", .to("peers"))])])
            let objects: [any Manifest]
            switch version {
            case .one: objects = try scene.service("peers")
            case .two: objects = scene.http2Service("peers", on: [try scene.http2Backend("peers-two")])
            }
            try scene.with("peers", objects + [rules]) { try body(scene) }
        }

        private static let curl =
            "curl --silent --show-error --insecure --max-time 20 --resolve peers.test:443:127.0.0.1 "
            + "--resolve peers.test:80:127.0.0.1"

        @Test(arguments: HTTPVersion.allCases)
        func `C1 curl: with prior knowledge and by ALPN, a megabyte up and down`(backend: HTTPVersion) throws {
            try Self.with(backend) { scene in
                let file = try scene.file("megabyte.bin", String(repeating: "x", count: 1 << 20))
                let format = "'%{http_version} %{http_code} %{size_upload}'"
                for (options, url) in [
                    ("--http2-prior-knowledge", "http://peers.test/x"), ("--http2", "https://peers.test/x"),
                ] {
                    let output = "\(file).out"
                    let words = try scene.host.shell(
                        "\(Self.curl) \(options) --data-binary '@\(file)' --output '\(output)' --write-out \(format) "
                            + "'\(url)'")
                    #expect(words == "2 200 1048576", "\(url)")
                    let head = try scene.host.shell("head -c 200 '\(output)'; rm '\(output)'")
                    #expect(head.hasPrefix("POST /x HTTP/"), "\(head)")
                    // Without a length, as it comes.
                    let piped = try scene.host.shell(
                        "head -c 100000 /dev/zero | \(Self.curl) \(options) --upload-file - --output /dev/null "
                            + "--dump-header - '\(url)'")
                    #expect(piped.lowercased().contains("x-body-length: 100000"), "\(piped)")
                }
                // One connection for several, and HTTP/1.1 for who wants that.
                let three = try scene.host.shell(
                    "\(Self.curl) --http2 --output /dev/null --write-out '%{num_connects}%{http_version} ' "
                        + "https://peers.test/1 --next \(Self.curl.dropFirst(5)) --http2 --output /dev/null "
                        + "--write-out '%{num_connects}%{http_version} ' https://peers.test/2")
                #expect(three == "12 02 ", "\(three)")
                let old = try scene.host.shell(
                    "\(Self.curl) --http1.1 --output /dev/null --write-out '%{http_version}' https://peers.test/")
                #expect(old == "1.1")
            }
        }

        @Test(arguments: HTTPVersion.allCases)
        func `C2 nghttp: many requests on one connection`(backend: HTTPVersion) throws {
            try Self.with(backend) { scene in
                let completion = try scene.host.execute(
                    [
                        "nghttp", "--null-out", "--stat", "--multiply=50", "--header=:authority: peers.test",
                        "http://127.0.0.1/nghttp",
                    ])
                let text = completion.output + completion.errorOutput
                // A line for each: id, times, code, size, path.
                let lines = text.split(separator: "\n").filter { $0.hasSuffix("/nghttp") && $0.contains(" 200 ") }
                #expect(completion.succeeded && lines.count == 50, "\(text.suffix(2000))")
            }
        }

        @Test(arguments: HTTPVersion.allCases)
        func `C3 h2load: every request of thousands succeeds, plain and over TLS`(backend: HTTPVersion) throws {
            try Self.with(backend) { scene in
                for (target, options) in [
                    ("http://peers.test/load", ["--connect-to=127.0.0.1:80"]),
                    ("https://peers.test/load", ["--connect-to=127.0.0.1:443"]),
                    ("https://peers.test/load", ["--connect-to=127.0.0.1:443", "--h1"]),
                ] {
                    let load = try H2Load(on: scene.host, requests: 3000, ["-c10", "-m20", target] + options)
                    #expect(load.succeeded == 3000 && load.failed == 0, "\(target) \(options): \(load.text)")
                }
            }
        }

        @Test(arguments: HTTPVersion.allCases)
        func `C4 python's h2: a hundred bodies at once, frame by frame in turn`(backend: HTTPVersion) throws {
            try Self.with(backend) { scene in
                let output = try Peers.run(
                    "h2_client.py", ["127.0.0.1", "80", "peers.test", "100"], on: scene.host)
                #expect(output.contains("\"answered\": 100"), "\(output)")
            }
        }
    }
}
