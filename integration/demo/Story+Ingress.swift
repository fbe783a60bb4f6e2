internal import Lab
internal import Linux
internal import Networking

// Chapter 8: requests by host and path, and changes under them.

extension Story {
    func routeByHostAndPath() throws {
        self.terminal.heading(8, "An Ingress routes by host and path")
        let shops = try self.lab.pods.map { pod in
            try HTTPBackend(on: pod, SocketAddress(pod.ipv4, Self.shopPort), name: pod.name)
        }
        let first = try Certificate.selfSigned(for: [Self.shop])
        try self.putShop(self.lab.pods, first)
        self.terminal.write("    \(self.terminal.styled("shop.yaml", .bold))")
        for line in [
            "host: \(Self.shop)", "  /      -> Service shop", "  /hello -> Service web", "tls: Secret shop-tls",
        ] {
            self.terminal.quote(line)
        }
        self.terminal.write()
        self.terminal.command("node", "fairlead ingress --manifests DIR")
        let ingress = try FairleadProcess(
            on: self.lab.node, ["ingress", "--manifests", self.manifests.path], binary: self.program)
        defer { ingress.terminate() }
        guard ingress.waitForLog(containing: "in force") != nil || ingress.process.isRunning else {
            throw DemoFailure(description: "fairlead ingress ended: \(ingress.process.errorOutput)")
        }
        let node = self.lab.node.ipv4
        let resolve = "--resolve \(Self.shop):80:\(node) --resolve \(Self.shop):443:\(node)"
        let answers = try waitUntil(timeout: .seconds(20)) {
            try self.lab.client.execute(["sh", "-c", "curl -sf \(resolve) http://\(Self.shop)/"]).succeeded
        }
        try self.check(answers, "the shop answers", ingress.process.errorOutput)
        for (path, expected) in [("/hello", "Hello from"), ("/cart", "GET /cart HTTP/1.1")] {
            let found = try self.show(self.lab.client, "curl -sS \(resolve) http://\(Self.shop)\(path) | head -n 1")
            try self.check(found.output.hasPrefix(expected), "\(path) went to its Service", found.output)
        }
        let other = try self.show(
            self.lab.client, "curl -sS -o /dev/null -w '%{http_code}\\n' http://\(node)/ -H 'Host: other.example'")
        try self.check(other.output == "404\n", "a host that nobody has is 404", other.output)
        let secure = try self.show(
            self.lab.client,
            "curl -sSk \(resolve) -o /dev/null -w '%{http_code} %{ssl_verify_result}\\n' https://\(Self.shop)/")
        try self.check(secure.output.hasPrefix("200"), "and over HTTPS it is answered as well", secure.output)
        try self.changeUnderLoad(first, ingress)
        withExtendedLifetime(shops) {}
    }

    /// An endpoint goes and comes back, and the certificate is another one, while requests come all the time.
    private func changeUnderLoad(_ first: Certificate, _ ingress: FairleadProcess) throws {
        self.terminal.write()
        self.terminal.say(
            "The client sends 500 requests a second over kept connections. Meanwhile an endpoint goes and comes")
        self.terminal.say("back, and the certificate is exchanged.")
        let load = try HTTPLoad(
            from: self.lab.client, to: SocketAddress(self.lab.node.ipv4, 80),
            [HTTPLoad.Request(host: Self.shop, path: "/cart")], rate: 500)
        defer { load.stop() }
        pause(.milliseconds(300))
        let second = try Certificate.selfSigned(for: [Self.shop])
        try self.putShop(Array(self.lab.pods.dropLast()), first)
        pause(.milliseconds(300))
        try self.putShop(self.lab.pods, second)
        let secure = SocketAddress(self.lab.node.ipv4, 443)
        let isExchanged = try waitUntil(timeout: .seconds(5)) {
            let leaf = try self.lab.client.handshake(with: secure, name: Self.shop).leaf
            return leaf == Certificate.blocks(of: second.certificate).first
        }
        pause(.milliseconds(300))
        let report = load.stop()
        try self.check(isExchanged, "new connections see the new certificate")
        try self.check(
            report.failed + report.skipped == 0 && report.answered > 300,
            "of \(report.answered) requests none failed", "\(report)")
        try self.check(ingress.terminate() == .exited(0), "SIGTERM ends it with exit code 0")
    }

    private func putShop(_ pods: [Host], _ certificate: Certificate) throws {
        let tls = IngressManifest.TLS([Self.shop], secret: "shop-tls")
        var ingress = IngressManifest(
            "shop", className: "fairlead",
            rules: [
                .init(
                    Self.shop,
                    [
                        .prefix("/", .service("shop", port: 80)), .prefix("/hello", .service("web", port: "http")),
                    ])
            ])
        ingress.tls = [tls]
        try self.manifests.write(
            "shop.yaml",
            [
                IngressClassManifest("fairlead", controller: "fairlead.dev/ingress-controller"),
                ServiceManifest("shop", clusterIPs: [], ports: [.init(80, targetPort: Self.shopPort)]),
                EndpointSliceManifest(
                    of: "shop", family: .ipv4, endpoints: pods.map { .init($0.ipv4) }, ports: [.init(Self.shopPort)]),
                ingress, SecretManifest("shop-tls", certificate),
            ])
    }

    private static let shop = "shop.example"
    private static let shopPort: UInt16 = 9090
}
