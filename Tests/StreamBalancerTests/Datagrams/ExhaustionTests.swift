import Glibc
import Lab
import Linux
import Networking
import Reactor
import StreamBalancer
import Testing

/// What is counted of a whole process is tested in one of its own.
@Suite struct DatagramExhaustionTests {
    /// The descriptors of this process.
    private static func openDescriptors() -> Int { (0..<4_096).count { fcntl(Int32($0), F_GETFD) != -1 } }

    /// Resident memory in bytes: statm of proc(5).
    private static func residentMemory() throws -> Int {
        let text = String(
            decoding: try Descriptor.open("/proc/self/statm", flags: O_RDONLY).readToEnd(limit: 4096), as: UTF8.self)
        return (Int(text.split(separator: " ")[1]) ?? 0) * 4096
    }

    /// Leaves so many: the limit is on numbers, and there may be gaps between those of what is open.
    private static func leaveDescriptors(_ room: Int) throws {
        var (count, free) = (0, 0)
        while free < room {
            if fcntl(Int32(count), F_GETFD) == -1 { free += 1 }
            count += 1
        }
        try self.limitDescriptors(count)
    }

    private static func limitDescriptors(_ count: Int) throws {
        var limit = rlimit(rlim_cur: rlim_t(count), rlim_max: rlim_t(count))
        _ = try systemCall("setrlimit") { unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) }
    }

    @Test func `without a descriptor the longest idle session gives way, and the others go on`() async {
        await #expect(processExitsWith: .success) {
            let stage = try DatagramStage()
            let endpoint = try stage.addEndpoint()
            let listener = try stage.serve()
            let clients = try (0..<40).map { _ in try DatagramClient(of: listener.address) }
            for client in clients.prefix(20) {
                client.send("1")
                stage.settle()
                stage.now += 2_000
            }
            // Clients have theirs already; for sessions four more are left.
            try Self.leaveDescriptors(4)
            for client in clients.dropFirst(20) { client.send("1") }
            stage.settle()
            let counters = stage.counters
            #expect(counters.sessions == 40 && counters.datagramsDropped == 0)
            #expect(counters.exhaustions > 0 && counters.exhaustions == counters.sessionsEvicted)
            #expect(clients.allSatisfy { $0.texts == ["1"] })
            let kept = Set(endpoint.peers.suffix(20))
            for client in clients.dropFirst(20) { client.send("2") }
            stage.settle()
            #expect(Set(endpoint.peers.suffix(20)) == kept, "who came last is still there")
            #expect(stage.picker.openSessions == stage.sessionCount)
        }
    }

    @Test func `without a descriptor for the first session its datagram is dropped, and counted`() async {
        await #expect(processExitsWith: .success) {
            let stage = try DatagramStage()
            try stage.addEndpoint()
            let client = try DatagramClient(of: try stage.serve().address)
            try Self.limitDescriptors(3)
            client.send("1")
            stage.settle()
            try #require(stage.counters.exhaustions == 1 && stage.counters.datagramsDropped == 1)
            try #require(stage.sessionCount == 0 && stage.picker.openSessions == 0)
        }
    }

    /// How many clients; `FAIRLEAD_DATAGRAM_CLIENTS` says otherwise.
    private static var clientCount: Int {
        guard let text = unsafe getenv("FAIRLEAD_DATAGRAM_CLIENTS") else { return 2_000 }
        return unsafe Int(String(cString: text)) ?? 2_000
    }

    @Test func `thousands of clients come and go, and nothing is left of them`() async {
        await #expect(processExitsWith: .success) {
            let stage = try DatagramStage {
                $0.sessionTimeout = 60_000
                $0.maximumSessions = 1_500
            }
            for _ in 0..<3 { try stage.addEndpoint() }
            let listener = try stage.serve()
            // What the first round leaves, the second has to leave.
            var (descriptors, memory) = (0, 0)
            for round in 0..<2 {
                var answered = 0
                for start in stride(from: 0, to: Self.clientCount, by: 200) {
                    let clients = try (start..<min(start + 200, Self.clientCount)).map { _ in
                        try DatagramClient(of: listener.address)
                    }
                    for client in clients { client.send("hello") }
                    let sent = stage.counters.datagramsToClients + UInt64(clients.count)
                    #expect(stage.turns { $0.counters.datagramsToClients == sent })
                    stage.turn(waiting: 20)
                    answered += clients.count { $0.texts == ["hello"] }
                    stage.now += 1
                }
                #expect(answered == Self.clientCount)
                #expect(stage.sessionCount == min(1_500, Self.clientCount))
                stage.now += 120_000
                stage.pass(300)
                #expect(stage.sessionCount == 0 && stage.picker.openSessions == 0)
                if round == 0 { (descriptors, memory) = (Self.openDescriptors(), try Self.residentMemory()) }
            }
            #expect(Self.openDescriptors() == descriptors)
            let growth = try Self.residentMemory() - memory
            #expect(growth < Sanitizer.bound(4 << 20), "the second time takes nothing more, but \(growth) bytes")
        }
    }
}
