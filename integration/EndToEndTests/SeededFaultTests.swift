import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// Something is wrong, and one command names the cause: `fairlead trace` and `fairlead get services` of a running Fairlead.
    @Suite struct SeededFaultTests {
        private func ask(_ scene: Scene, _ arguments: [String]) throws -> String {
            let completion = try scene.node.execute(
                [try FairleadProcess.locate()] + arguments + ["--admin-socket", scene.adminSocket],
                timeout: .seconds(20))
            #expect(completion.succeeded && completion.errorOutput == "", "\(arguments): \(completion)")
            return completion.output
        }

        private func trace(_ scene: Scene, from client: Host, to target: SocketAddress) throws -> String {
            try self.ask(
                scene, ["trace", "--from", "\(client.address(target.address.family))", "\(target)"])
        }

        @Test(arguments: AddressFamily.allCases)
        func `where it goes is where it goes`(family: AddressFamily) throws {
            let scene = try Scene(pods: 2)
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put(web)
            let text = try self.trace(scene, from: scene.pods[0], to: web.clusterIP(family))
            #expect(text.contains("is a pod"), "\(text)")
            #expect(text.contains("is the ClusterIP of Service default/web"), "\(text)")
            for pod in scene.pods { #expect(text.contains("\(pod.address(family))"), "\(text)") }
            #expect(text.contains("verdict     translated: goes to one of 2 endpoints"), "\(text)")
            let services = try self.ask(scene, ["get", "services", "web"])
            #expect(services.contains("default     web"), "\(services)")
            #expect(services.contains(" 2/2 ") || services.contains(" 4/4 "), "\(services)")
        }

        @Test func `no endpoint is ready`() throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            var endpoint = EndpointSliceManifest.Endpoint(scene.pods[0].ipv4)
            endpoint.ready = false
            endpoint.serving = false
            try scene.put("web", [web.service, web.slice(.ipv4, [endpoint])])
            try expectRefused([scene.client], web.clusterIP(.ipv4))
            let text = try self.trace(scene, from: scene.client, to: web.clusterIP(.ipv4))
            #expect(text.contains("\(scene.pods[0].ipv4):8080"), "\(text)")
            #expect(text.contains("not ready"), "\(text)")
            #expect(text.contains("verdict     refused: none of its 1 endpoints is ready, on any node"), "\(text)")
            #expect(try self.ask(scene, ["get", "services"]).contains(" 0/"))
        }

        @Test func `a port that the Service does not have, and an address that is nobody's`() throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put(web)
            let wrong = SocketAddress(web.clusterIP(.ipv4).address, 81)
            try expectRefused([scene.client], wrong)
            let text = try self.trace(scene, from: scene.client, to: wrong)
            #expect(text.contains("which has no port 81/tcp, only"), "\(text)")
            let other = SocketAddress(IPAddress(10, 96, 77, 77), 80)
            #expect(try self.trace(scene, from: scene.client, to: other).contains("is no Service's"))
        }

        @Test func `a target port at which nobody listens, and a name that no endpoint has`() throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            let endpoint = EndpointSliceManifest.Endpoint(scene.pods[0].ipv4)
            func slice(_ name: String, _ port: UInt16) -> EndpointSliceManifest {
                EndpointSliceManifest(of: "web", family: .ipv4, endpoints: [endpoint], ports: [.init(port, name: name)])
            }
            try scene.put("web", [web.service, slice("http", 8081)])
            try expectRefused([scene.client], web.clusterIP(.ipv4))
            let wrong = try self.ask(scene, ["trace", "\(web.clusterIP(.ipv4))", "--probe"])
            #expect(wrong.contains("\(scene.pods[0].ipv4):8081"), "\(wrong)")
            #expect(wrong.contains("; a connection from here: connection refused"), "\(wrong)")
            try scene.put("web", [web.service, slice("htpp", Scene.targetPort)])
            let unnamed = try self.trace(scene, from: scene.client, to: web.clusterIP(.ipv4))
            #expect(unnamed.contains("refused: no EndpointSlice lists an endpoint for this port"), "\(unnamed)")
        }

        @Test func `a source range that does not admit the client`() throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            var web = Application(on: scene.pods)
            web.isLoadBalancer = true
            var service = web.service
            service.loadBalancerSourceRanges = [CIDR(host: IPAddress(203, 0, 113, 77))]
            try scene.put("web", [service] + web.slices)
            try expectUnserved([scene.client], web.loadBalancerIP(.ipv4))
            let text = try self.trace(scene, from: scene.client, to: web.loadBalancerIP(.ipv4))
            #expect(
                text.contains(
                    "\(scene.client.ipv4) may not use it: loadBalancerSourceRanges, less those denied, admit"),
                "\(text)")
            #expect(text.contains("verdict     dropped"), "\(text)")
        }

        @Test func `policy Local, and no endpoint here`() throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            var web = Application(on: scene.pods)
            web.nodePort = 30080
            web.externalPolicy = "Local"
            var endpoint = EndpointSliceManifest.Endpoint(scene.pods[0].ipv4)
            endpoint.nodeName = "elsewhere"
            try scene.put("web", [web.service, web.slice(.ipv4, [endpoint])])
            let target = SocketAddress(scene.node.ipv4, 30080)
            try expectUnserved([scene.client], target)
            let text = try self.trace(scene, from: scene.client, to: target)
            #expect(text.contains("externalTrafficPolicy Local"), "\(text)")
            #expect(text.contains("elsewhere, and the policy is Local"), "\(text)")
            #expect(text.contains("verdict     dropped: the policy wants an endpoint on this node"), "\(text)")
        }

        @Test(arguments: AddressFamily.allCases)
        func `the kernel's own rules, as planned`(family: AddressFamily) throws {
            let scene = try Scene(pods: 2)
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put(web)
            let target = web.clusterIP(family)
            let text = try self.ask(scene, ["trace", "--live", "--probe", "\(target)"])
            #expect(text.contains(" -> \(target), made by this host\n"), "\(text)")
            #expect(text.contains("inet fairlead services"), "\(text)")
            #expect(text.contains("vmap @frontends\(family == .ipv4 ? 4 : 6): "), "\(text)")
            #expect(text.contains("kernel      goes on as "), "\(text)")
            #expect(text.contains("plan        as planned: translated: goes to one of 2 endpoints"), "\(text)")
            let none = SocketAddress(target.address, 81)
            let refused = try self.ask(scene, ["trace", "--live", "--probe", "\(none)"])
            #expect(refused.contains("kernel      refused by rule "), "\(refused)")
            #expect(refused.contains("plan        as planned: refused"), "\(refused)")
            #expect(!(try scene.node.shell("nft list tables")).contains("fairlead-trace"))
        }

        @Test func `a rule of another program that drops a client's connection`() throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            var web = Application(on: scene.pods)
            web.isLoadBalancer = true
            try scene.put(web)
            let target = web.loadBalancerIP(.ipv4)
            try expectAnswered([scene.client], target)
            try scene.node.shell(
                "nft 'table ip guard { chain forward { type filter hook forward priority 0; ip daddr \(scene.pods[0].ipv4) drop; }; }'"
            )
            let tracing = try scene.node.spawn([
                try FairleadProcess.locate(), "trace", "--live", "--from", "\(scene.client.ipv4)", "\(target)",
                "--admin-socket", scene.adminSocket,
            ])
            defer { tracing.kill() }
            let isWaiting = try waitUntil(timeout: .seconds(20)) {
                try scene.node.shell("nft list tables").contains("fairlead-trace")
            }
            #expect(isWaiting, "\(tracing.errorOutput)")
            // Somebody else traces as well, and sees other packets first.
            try scene.node.shell(
                "nft 'table ip others { chain first { type filter hook prerouting priority -400; meta nftrace set 1; }; }'"
            )
            _ = try scene.client.probe(.tcp, SocketAddress(target.address, 81))
            try expectDropped([scene.client], target, over: [.tcp])
            #expect(tracing.waitForExit(timeout: .seconds(10)) == .exited(0), "\(tracing.errorOutput)")
            let text = tracing.output
            #expect(text.contains(" -> \(target), in by "), "\(text)")
            #expect(text.contains("now         \(scene.client.ipv4):") && !text.contains("rule 0"), "\(text)")
            #expect(
                text.contains("of chain forward in table ip guard (`nft -a list chain ip guard forward`)"), "\(text)")
            #expect(text.contains("plan        translated: goes to one of 1 endpoint"), "\(text)")
        }

        @Test func `lists of what has some labels`() throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            var service = web.service
            service.labels = ["app": "web", "tier": "front"]
            try scene.put("web", [service] + web.slices)
            for list in ["services", "endpoints", "frontends"] {
                for selector in ["app=web", "tier in (front,back),!canary"] {
                    #expect(try self.ask(scene, ["get", list, "-l", selector]).contains("web"), "\(list) \(selector)")
                }
                let none = try scene.node.execute([
                    try FairleadProcess.locate(), "get", list, "-l", "app=other", "--admin-socket", scene.adminSocket,
                ])
                #expect(none.output == "" && none.errorOutput.hasSuffix("found.\n"), "\(none)")
            }
            let wrong = try scene.node.execute([try FairleadProcess.locate(), "get", "services", "-l", "app=web=x"])
            #expect(wrong.status == .exited(2) && wrong.errorOutput.contains("--selector: "), "\(wrong)")
        }

        @Test func `a packet that does not come by is waited for in vain`() throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            let completion = try scene.node.execute([
                try FairleadProcess.locate(), "trace", "--live", "--wait", "1", "10.96.0.10:80", "--admin-socket",
                scene.adminSocket,
            ])
            #expect(completion.status == .exited(1))
            #expect(completion.errorOutput.contains("no first packet of such a connection came by"))
        }

        @Test func `who does not ask well is told so`() throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            for query in [
                "", "from=10.0.0.1&to=fd00::1&port=80", "from=10.0.0.1&to=10.0.0.2",
                "from=10.0.0.1&to=10.0.0.2&port=80&x=1",
            ] {
                let answer = try scene.node.shell(
                    "curl -s --unix-socket '\(scene.adminSocket)' 'http://fairlead/v1/trace?\(query)'")
                #expect(answer.contains("\"code\":400"), "\(query): \(answer)")
            }
        }
    }
}
