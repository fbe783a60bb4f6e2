import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// TCP connections and segments that do not fit them.
    @Suite struct SegmentTests {
        /// What conntrack takes for no part of the connection it does not translate: it would reach the client
        /// from an address that it never spoke to, be answered with a reset, and that would end the connection
        /// (kubernetes/kubernetes#74839).
        @Test(arguments: AddressFamily.allCases)
        func `D9 a segment outside of the window does not end a connection`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application.everywhere(on: [scene.pods[1]])
            try scene.put(web)
            for side in RawTCP.Side.allCases {
                for host in scene.vantagePoints {
                    for frontend in web.frontends(family, on: scene.node) {
                        let conversation = try host.converse(with: frontend)
                        try Self.disturb(conversation, side, scene.pods[1], family)
                        #expect(conversation.isAlive(), "\(host.name) to \(frontend), \(side)")
                    }
                }
            }
        }

        /// The segment is as harmful as it is meant to be: without our setting it ends connections.
        @Test(arguments: AddressFamily.allCases)
        func `D9 the setting can be left alone, and connections end then`(family: AddressFamily) throws {
            let scene = try Scene(["--conntrack-tcp-be-liberal=false"])
            defer { scene.tearDown() }
            let web = Application.everywhere(on: [scene.pods[1]])
            try scene.put(web)
            let conversation = try scene.pods[0].converse(with: web.clusterIP(family))
            try Self.disturb(conversation, .above, scene.pods[1], family)
            #expect(!conversation.isAlive(timeout: .milliseconds(500)))
        }

        private static func disturb(
            _ conversation: TCPConversation, _ side: RawTCP.Side, _ server: Host, _ family: AddressFamily
        ) throws {
            try RawTCP.sendOutOfWindow(side, from: server, port: Scene.targetPort, family) {
                try conversation.exchange("hello")
            }
            // A reset would be the answer to it, and take as long as any answer here.
            pause(.milliseconds(5))
        }

        /// Off unless asked for: it would end what drains elsewhere.
        @Test(arguments: AddressFamily.allCases)
        func `D7 connections to endpoints that are gone end at once if told to`(family: AddressFamily) throws {
            let scene = try Scene(["--reset-tcp-to-removed-endpoints"])
            defer { scene.tearDown() }
            let web = Application.everywhere(on: [scene.pods[1]])
            try scene.put(web)
            try scene.put(Application("other", number: 11, on: [scene.pods[1]]))
            let connections = try scene.vantagePoints.flatMap { host in
                try web.frontends(family, on: scene.node).map { ("\(host.name) to \($0)", try host.converse(with: $0)) }
            }
            let others = try scene.vantagePoints.map { try $0.converse(with: .clusterIP(11, family)) }
            let direct = try scene.client.converse(with: SocketAddress(scene.pods[1].address(family), Scene.targetPort))
            for state in [Backend.State.draining, .notReady] {
                try scene.put("web", web.manifests(of: [Backend(scene.pods[1], state), Backend(scene.pods[2])]))
                pause(.milliseconds(50))
                for (name, connection) in connections { #expect(connection.isAlive(), "\(name), \(state)") }
            }
            try scene.put("web", web.manifests(of: [Backend(scene.pods[2])]))
            for (name, connection) in connections {
                expectSoon("\(name) is reset") { Self.isReset(connection) }
            }
            for connection in others + [direct] { #expect(connection.isAlive()) }
            // The last endpoint goes: nobody is left there who does not know the connection.
            var last = try scene.client.converse(with: web.clusterIP(family))
            try scene.put("web", [web.service])
            expectSoon("reset with the last endpoint") { Self.isReset(last) }
            for connection in others + [direct] { #expect(connection.isAlive()) }
            // With the Service goes the one who could say so: its connections go on, or are told before.
            try scene.put("web", web.manifests)
            last = try scene.client.converse(with: web.clusterIP(family))
            try scene.remove("web")
            pause(.milliseconds(150))
            #expect(
                last.isAlive(timeout: .milliseconds(300)) || Self.isReset(last), "silence after the Service is gone")
            for connection in others + [direct] { #expect(connection.isAlive()) }
        }

        /// What was decided for the state before is not done to connections of the state after.
        @Test(arguments: AddressFamily.allCases)
        func `D7 connections that are newer than the change are not ended`(family: AddressFamily) throws {
            let scene = try Scene(["--reset-tcp-to-removed-endpoints"])
            defer { scene.tearDown() }
            let web = Application()
            for round in 0..<20 {
                let pod = scene.pods[1 + round % 2]
                try scene.put("web", web.manifests(of: [Backend(pod)]))
                let connections = try scene.vantagePoints.map { try $0.converse(with: web.clusterIP(family)) }
                pause(.milliseconds(10))
                for connection in connections { #expect(connection.isAlive(timeout: .milliseconds(300)), "\(round)") }
            }
        }

        /// ECONNRESET, or EPIPE on what is sent after one.
        private static func isReset(_ conversation: TCPConversation) -> Bool {
            do {
                try conversation.exchange("still there?", timeout: .milliseconds(100))
                return false
            } catch let error as SystemError {
                return [104, 32].contains(error.number)
            } catch {
                return false
            }
        }
    }
}
