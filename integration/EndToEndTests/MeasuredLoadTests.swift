import Lab
import Linux
import Networking
import Testing

/// The benchmarks' own backend and load: their figures are only worth what these are.
@Suite struct MeasuredLoadTests {
    /// A backend on a thread of a sandbox.
    private final class Backend: Sendable {
        let sandbox: Sandbox
        let address = SocketAddress(IPAddress(127, 0, 0, 1), 8000)
        private let stop: WakeUp
        private let thread: OSThread

        init() throws {
            let sandbox = try Sandbox()
            let (stop, ready) = (try WakeUp(), try WakeUp())
            let address = self.address
            self.thread = try OSThread {
                do {
                    try sandbox.host.namespace.enter()
                    var backend = try MeasuredBackend(on: address)
                    ready.signal()
                    try backend.serve(until: stop)
                } catch {
                    Issue.record("the backend ended: \(error)")
                    ready.signal()
                }
            }
            self.sandbox = sandbox
            self.stop = stop
            _ = try Poller.wait(readable: [ready.number], timeout: .seconds(10))
        }

        func end() {
            self.stop.signal()
            self.thread.join()
            self.sandbox.tearDown()
        }

        func load(connections: Int, paths: [String], expectedBody: Int) throws -> MeasuredLoad {
            try self.sandbox.host.run {
                try MeasuredLoad(
                    to: self.address, connections: connections,
                    requests: paths.map { MeasuredLoad.request(host: "bench.example", path: $0) },
                    expectedBody: expectedBody)
            }
        }

        func counters() throws -> MeasuredBackend.Counters? {
            MeasuredBackend.Counters(text: try self.sandbox.host.shell("curl -s http://\(self.address)/counters"))
        }
    }

    @Test func everyRequestIsCountedOnceOnConnectionsThatAreKept() throws {
        let backend = try Backend()
        defer { backend.end() }
        var load = try backend.load(connections: 8, paths: ["/a", "/b"], expectedBody: MeasuredBackend.smallBody)
        let report = try load.run(.closed(concurrency: 4), count: 500, warmUp: 100)
        #expect(report.completed == 400)
        #expect(report.latency.count == 400)
        #expect(report.failed == 0)
        #expect(load.openConnections == 8)
        // One connection is the question's.
        #expect(try backend.counters().map { [$0.connections, $0.requests, $0.bodyBytes] } == [9, 500, 0])
    }

    @Test func anOpenLoopSendsNothingBeforeItIsDue() throws {
        let backend = try Backend()
        defer { backend.end() }
        var load = try backend.load(connections: 4, paths: ["/"], expectedBody: MeasuredBackend.smallBody)
        let began = ContinuousClock.now
        let report = try load.run(.rate(1000), count: 101)
        #expect(ContinuousClock.now - began >= .milliseconds(100))
        #expect(report.completed == 101)
        #expect(report.failed == 0)
    }

    @Test func bodiesOfOneMebibyteComeWhole() throws {
        let backend = try Backend()
        defer { backend.end() }
        var load = try backend.load(connections: 2, paths: ["/1m"], expectedBody: MeasuredBackend.largeBody)
        let report = try load.run(.closed(concurrency: 2), count: 6)
        #expect(report.completed == 6)
        #expect(report.failed == 0)
    }

    @Test func anAnswerOfAnotherLengthIsAFailure() throws {
        let backend = try Backend()
        defer { backend.end() }
        var load = try backend.load(connections: 3, paths: ["/"], expectedBody: MeasuredBackend.smallBody + 1)
        let report = try load.run(.closed(concurrency: 3), count: 3)
        #expect(report.completed == 0)
        #expect(report.failed == 3)
        #expect(throws: LabError.self) { _ = try load.run(.closed(concurrency: 3), count: 1) }
    }

    @Test func aRequestIsAnsweredOnceItsWholeBodyIsThere() throws {
        let backend = try Backend()
        defer { backend.end() }
        let connection = try backend.sandbox.host.connect(to: backend.address.address, port: backend.address.port)
        try connection.send("POST /up HTTP/1.1\r\nHost: bench.example\r\nContent-Le")
        try connection.send("ngth: 10\r\n\r\n01234")
        #expect(try waitUntil(timeout: .seconds(5)) { try backend.counters()?.bodyBytes == 5 })
        #expect(try backend.counters()?.requests == 0)
        try connection.send("56789")
        let status = try connection.read { bytes in
            bytes.firstIndex(of: UInt8(ascii: "\n")).map { String(decoding: bytes[..<$0], as: UTF8.self) }
        }
        #expect(status == "HTTP/1.1 200 OK\r")
        #expect(try backend.counters().map { [$0.requests, $0.bodyBytes] } == [1, 10])
    }

    @Test(arguments: ["Transfer-Encoding: chunked", "Content-Length: none"])
    func aBodyOfAnotherFramingEndsTheConnection(header: String) throws {
        let backend = try Backend()
        defer { backend.end() }
        let connection = try backend.sandbox.host.connect(to: backend.address.address, port: backend.address.port)
        try connection.send("POST / HTTP/1.1\r\nHost: bench.example\r\n\(header)\r\n\r\n")
        #expect(connection.isClosed())
        #expect(try backend.counters()?.requests == 0)
    }

    @Test(arguments: [0, 1, 63, 64, 65, 1000, 12_345, 1_000_000, 123_456_789, 60_000_000_000, .max] as [Int64])
    func aHistogramKnowsAValueToOnePart64(value: Int64) {
        var histogram = LatencyHistogram()
        // A larger one, so that the bucket's end and not the maximum is what is answered.
        histogram.record(value)
        histogram.record(.max)
        let known = histogram.percentile(0.5)
        #expect(known >= value)
        #expect(Double(known - value) <= Double(value) / 64)
    }

    @Test func percentilesOfAHistogramAreThoseOfItsValues() {
        var histogram = LatencyHistogram()
        #expect(histogram.percentile(0.99) == 0)
        for value in 1...1000 { histogram.record(Int64(value) * 1000) }
        for (share, value) in [(0.0, 1000), (0.5, 500_000), (0.99, 990_000), (0.999, 999_000), (1.0, 1_000_000)] {
            let known = Double(histogram.percentile(share))
            #expect(known >= Double(value) && known <= Double(value) * (1 + 1.0 / 64), "\(share)")
        }
        #expect(histogram.maximum == 1_000_000)
        #expect(histogram.count == 1000)
    }
}
