import Lab
import Linux
import Networking
import Testing

extension EndToEnd.Ingress {
    /// The admin API by TCP, and the dashboard's page.
    @Suite struct AdminPortalTests {
        private static let port = SocketAddress(IPAddress(127, 0, 0, 1), 10257)

        private static func get(
            _ scene: IngressScene, _ path: String, host: String = "127.0.0.1:10257", _ fields: [String] = [],
            method: String = "GET"
        ) throws -> HTTPResponse {
            let conversation = try scene.host.converseByHTTP(with: Self.port, timeout: .seconds(5))
            return try conversation.exchange(HTTPRequest(method, path, host: host, ["Connection: close"] + fields))
        }

        @Test func `on loopback everybody may read, and nothing else`() throws {
            let scene = try IngressScene(["--admin-bind-address", "127.0.0.1"])
            defer { scene.tearDown() }
            let page = try Self.get(scene, "/")
            #expect(page.status == 200 && page["Content-Type"] == "text/html; charset=utf-8")
            #expect(page["Content-Security-Policy"]?.hasPrefix("default-src 'none'; ") == true)
            #expect(page.text.contains("<title>Fairlead</title>"))
            // Nothing is loaded from anywhere.
            #expect(!page.text.contains("//cdn") && !page.text.contains("src=\"") && !page.text.contains("href=\""))
            #expect(try Self.get(scene, "/v1/routes").text.contains(#""kind":"RouteList""#))
            #expect(try Self.get(scene, "/v1/services").status == 404)
            #expect(try Self.get(scene, "/metrics").text.contains("fairlead_build_info"))
            for method in ["POST", "PUT", "DELETE"] {
                #expect(try Self.get(scene, "/", method: method).status == 405)
                #expect(try Self.get(scene, "/v1/routes", method: method).status == 405)
            }
            for host in ["localhost", "localhost:10257", "[::1]:10257", "10.0.0.1"] {
                #expect(try Self.get(scene, "/", host: host).status == 200, "\(host)")
            }
            // DNS rebinding.
            for host in ["evil.example", "localhost.evil.example:10257", "127.0.0.1.evil.example"] {
                #expect(try Self.get(scene, "/v1/routes", host: host).status == 421, "\(host)")
            }
        }

        @Test func `a token, where there is one`() throws {
            let folder = try ManifestFolder()
            defer { folder.delete() }
            try folder.write("token", "s3cret-token\nnot this\n")
            let scene = try IngressScene(
                ["--admin-bind-address", "0.0.0.0:10257", "--admin-token-file", "\(folder.path)/token"])
            defer { scene.tearDown() }
            // The page has nothing in it; what it asks for has.
            #expect(try Self.get(scene, "/").status == 200)
            for fields in [
                [], ["Authorization: Bearer s3cret-toke"], ["Authorization: Bearer s3cret-tokem"],
                ["Authorization: s3cret-token"],
            ] {
                for path in ["/v1/routes", "/metrics", "/nothing"] {
                    let answer = try Self.get(scene, path, fields)
                    #expect(answer.status == 401 && answer["WWW-Authenticate"] == "Bearer", "\(fields) \(path)")
                }
            }
            #expect(try Self.get(scene, "/v1/routes", ["Authorization: Bearer s3cret-token"]).status == 200)
        }

        @Test func `what cannot be so is said at the start`() throws {
            let folder = try ManifestFolder()
            defer { folder.delete() }
            try folder.write("empty", "\n")
            let scene = try IngressScene()
            defer { scene.tearDown() }
            for (options, code, words) in [
                (["--admin-bind-address", "0.0.0.0"], 2, "--admin-token-file is needed"),
                (["--admin-bind-address", "here"], 2, "is not an address"),
                (["--admin-token-file", "\(folder.path)/empty"], 1, "is no token"),
                (["--admin-bind-address", "127.0.0.1", "--admin-token-file", "/no/such/file"], 1, "/no/such/file"),
            ] as [([String], Int32, String)] {
                let completion = try scene.host.execute(
                    [
                        try FairleadProcess.locate(), "ingress", "--manifests", folder.path, "--http-port", "8080",
                        "--https-port", "0",
                    ] + options,
                    timeout: .seconds(20))
                #expect(
                    completion.status == .exited(code) && completion.errorOutput.contains(words),
                    "\(options): \(completion)")
            }
        }
    }
}
