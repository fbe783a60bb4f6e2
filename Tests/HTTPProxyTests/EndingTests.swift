import LineSupport
import Reactor
import ServiceLifecycle
import Testing

@testable import HTTPProxy

/// How connections and the proxy end, over loopback.
@Suite(.timeLimit(.minutes(2))) struct EndingTests {
    @Test func `what is in flight ends as it should, and then the proxy does`() async throws {
        try await Stage.run { stage in
            let endpoint = try TestEndpoint()
            stage.serve(endpoint)
            let (idle, waiting, reading) = (try stage.connect(), try stage.connect(), try stage.connect())
            try await idle.send(.get("/", host: "none.example"))
            #expect(try await idle.readMessage().status == 404)
            try await waiting.send(.get("/waiting"))
            let first = try await endpoint.accept()
            _ = try await first.readMessage()
            try await reading.send(.get("/reading"))
            let second = try await endpoint.accept()
            _ = try await second.readMessage()
            try await second.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
            #expect(try await reading.readHead().status == 200)
            await stage.group.triggerGracefulShutdown()
            #expect(try await idle.end() == .closed)
            idle.close()
            try await first.send(.ok("done"))
            let answer = try await waiting.readMessage()
            #expect(answer.text == "done" && answer["Connection"] == "close")
            #expect(try await waiting.end() == .closed)
            waiting.close()
            try await second.send("world")
            #expect(try await reading.read(10) == Array("helloworld".utf8))
            #expect(try await reading.end() == .closed)
            reading.close()
            #expect(try await stage.hasEnded())
            #expect(try await first.end() == .closed)
            #expect(try await second.end() == .closed)
        }
    }

    @Test func `without anything in flight the proxy ends at once`() async throws {
        try await Stage.run(workers: 2) { stage in
            stage.publish()
            let client = try stage.connect()
            try await client.send(.get())
            #expect(try await client.readMessage().status == 404)
            await stage.group.triggerGracefulShutdown()
            #expect(try await client.end() == .closed)
            client.close()
            #expect(try await stage.hasEnded())
        }
    }

    @Test func `what does not end in time is reset`() async throws {
        var limits = ProxyLimits()
        limits.drainTimeout = 200
        try await Stage.run(limits: limits) { stage in
            let endpoint = try TestEndpoint()
            stage.serve(endpoint)
            let client = try stage.connect()
            try await client.send(.get())
            let upstream = try await endpoint.accept()
            _ = try await upstream.readMessage()
            await stage.group.triggerGracefulShutdown()
            #expect(try await client.end() == .broken(104))
            #expect(try await stage.hasEnded())
        }
    }

    @Test func `a shutdown that is cancelled ends at once`() async throws {
        var limits = ProxyLimits()
        limits.drainTimeout = 600_000
        try await Stage.run(limits: limits) { stage in
            let endpoint = try TestEndpoint()
            stage.serve(endpoint)
            let client = try stage.connect()
            try await client.send(.get())
            let upstream = try await endpoint.accept()
            _ = try await upstream.readMessage()
            await stage.group.triggerGracefulShutdown()
            #expect(try await client.isSilent(for: .milliseconds(300)), "it has time")
            stage.cancel()
            #expect(try await client.end() == .broken(104))
            #expect(try await stage.hasEnded())
        }
    }

    @Test func `nobody is accepted any more while it ends`() async throws {
        try await Stage.run { stage in
            let endpoint = try TestEndpoint()
            stage.serve(endpoint)
            let client = try stage.connect()
            try await client.send(.get())
            let upstream = try await endpoint.accept()
            _ = try await upstream.readMessage()
            await stage.group.triggerGracefulShutdown()
            let start = ContinuousClock.now
            // A load balancer sees that, and goes elsewhere.
            while true {
                guard let late = try? stage.connect() else { break }
                if case .broken? = try? await late.ending(within: .milliseconds(100)) { break }
                try await Line.wait(since: start, "connections are still taken, and nobody answers them")
            }
            try await upstream.send(.ok("done"))
            #expect(try await client.readMessage().text == "done")
        }
    }

    @Test func `a head that does not come whole in time is answered with 408`() async throws {
        var limits = ProxyLimits()
        limits.requestHeadTimeout = 200
        limits.keepAliveTimeout = 60_000
        try await Stage.run(limits: limits) { stage in
            stage.publish()
            // On its own, and right behind another.
            for before in ["", String.get()] {
                let client = try stage.connect()
                try await client.send(before + "GET / HTTP/1.1\r\nHo")
                if !before.isEmpty { #expect(try await client.readMessage().status == 404) }
                let answer = try await client.readMessage()
                #expect(answer.status == 408 && answer.reason == "request-head-timeout", "behind '\(before.prefix(3))'")
                client.finishWriting()
                #expect(try await client.end() == .closed)
            }
        }
    }

    @Test func `an idle connection is closed after its time, a fresh one as well`() async throws {
        var limits = ProxyLimits()
        limits.keepAliveTimeout = 200
        try await Stage.run(limits: limits) { stage in
            stage.publish()
            let (fresh, used) = (try stage.connect(), try stage.connect())
            try await used.send(.get())
            #expect(try await used.readMessage().status == 404)
            #expect(try await fresh.end() == .closed)
            #expect(try await used.end() == .closed)
        }
    }

    @Test func `an idle connection to an endpoint is closed after its time`() async throws {
        var limits = ProxyLimits()
        limits.upstreamIdleTimeout = 200
        try await Stage.run(limits: limits) { stage in
            let endpoint = try TestEndpoint()
            stage.serve(endpoint)
            let client = try stage.connect()
            try await client.send(.get())
            let upstream = try await endpoint.accept()
            _ = try await upstream.readMessage()
            try await upstream.send(.ok("hello"))
            #expect(try await client.readMessage().text == "hello")
            #expect(try await upstream.end() == .closed)
            try await client.send(.get())
            let second = try await endpoint.accept()
            _ = try await second.readMessage()
        }
    }

    @Test func `no more than some idle connections to an endpoint are kept`() async throws {
        var limits = ProxyLimits()
        limits.idleConnectionsPerEndpoint = 2
        try await Stage.run(limits: limits) { stage in
            let endpoint = try TestEndpoint()
            stage.serve(endpoint)
            var lines: [(client: Line, upstream: Line)] = []
            for _ in 0..<4 {
                let client = try stage.connect()
                try await client.send(.get())
                let upstream = try await endpoint.accept()
                _ = try await upstream.readMessage()
                lines.append((client, upstream))
            }
            for line in lines {
                try await line.upstream.send(.ok("hello"))
                #expect(try await line.client.readMessage().text == "hello")
            }
            #expect(try await lines[2].upstream.end() == .closed)
            #expect(try await lines[3].upstream.end() == .closed)
            // The one used last comes first.
            let (_, answer) = try await lines[0].client.exchange(.get(), lines[1].upstream, answer: .ok("last"))
            #expect(answer.text == "last")
            _ = try await stage.report { $0.openUpstreams == 2 }
        }
    }

    @Test func `a connection is closed after so many requests`() async throws {
        var limits = ProxyLimits()
        limits.requestsPerConnection = 3
        try await Stage.run(limits: limits) { stage in
            stage.publish()
            let client = try stage.connect()
            for number in 1...3 {
                try await client.send(.get())
                #expect(try await client.readMessage()["Connection"] == (number == 3 ? "close" : nil))
            }
            #expect(try await client.end() == .closed)
        }
    }

    @Test func `beyond the most connections the next one waits until one ends`() async throws {
        var limits = ProxyLimits()
        limits.maximumConnections = 2
        try await Stage.run(limits: limits) { stage in
            stage.publish()
            let (first, second, third) = (try stage.connect(), try stage.connect(), try stage.connect())
            for client in [first, second] {
                try await client.send(.get())
                #expect(try await client.readMessage().status == 404)
            }
            try await third.send(.get())
            #expect(try await third.isSilent(for: .milliseconds(150)))
            first.close()
            #expect(try await third.readMessage().status == 404)
            let report = try await stage.report { $0.requests == 3 }
            #expect(report.connectionsDelayed > 0)
        }
    }
}
