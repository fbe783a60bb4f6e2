import AdminAPI
import Networking
import ServiceModel
import Testing

/// What people see.
@Suite struct TableTests {
    private static let now: Int64 = 1_000_000_000_000_000_000

    static func item(
        _ service: String, _ address: String, _ state: EndpointState, _ change: (inout EndpointItem) -> Void = { _ in }
    ) throws -> EndpointItem {
        var item = EndpointItem(
            namespace: "default", service: service, portName: "http", portNumber: 80, transport: .tcp,
            backend: Backend(try #require(IPAddress(address)), 8080), state: state)
        change(&item)
        return item
    }

    private static func list() throws -> EndpointList {
        EndpointList(items: [
            try self.item("web", "10.244.1.5", .ready) {
                $0.servedBy = .kernel
                $0.since = self.now - 95_000_000_000
                $0.node = "node-a"
                $0.zone = "zone-1"
            },
            try self.item("web", "fd00:10:244::6", .warmingUp) {
                $0.servedBy = .userspace
                $0.since = self.now - 7_000_000_000
                $0.share = 30
                $0.connections = 12
                $0.lastFailure = "status 503"
            },
            try self.item("a-service-of-a-longer-name", "10.244.1.7", .unhealthy) {
                $0.portName = ""
                $0.transport = .udp
                $0.servedBy = .userspace
                $0.connections = 0
                $0.lastFailure = "connection refused"
            },
        ])
    }

    @Test func `columns are as wide as what is in them, and nothing is behind the last`() throws {
        #expect(
            try Self.list().text(now: Self.now) == """
                NAMESPACE   SERVICE                      PORT       ENDPOINT                SERVED-BY   STATE            CONNECTIONS   AGE
                default     web                          http/TCP   10.244.1.5:8080         kernel      Ready            -             95s
                default     web                          http/TCP   [fd00:10:244::6]:8080   userspace   WarmingUp(30%)   12            7s
                default     a-service-of-a-longer-name   80/UDP     10.244.1.7:8080         userspace   Unhealthy        0             <unknown>

                """)
    }

    @Test func `wide has where they are, and what went wrong`() throws {
        let lines = try Self.list().text(isWide: true, now: Self.now).split(separator: "\n")
        #expect(lines[0].hasSuffix("AGE         NODE     ZONE     LAST-FAILURE"))
        #expect(lines[1].hasSuffix("95s         node-a   zone-1   <none>"))
        #expect(lines[2].hasSuffix("7s          <none>   <none>   status 503"))
        #expect(lines[3].hasSuffix("<unknown>   <none>   <none>   connection refused"))
    }

    @Test func `names are a line each`() throws {
        #expect(
            try Self.list().names == """
                endpoint/default/web/http/10.244.1.5:8080
                endpoint/default/web/http/[fd00:10:244::6]:8080
                endpoint/default/a-service-of-a-longer-name/80/10.244.1.7:8080

                """)
    }

    @Test func `a table of nothing is its header`() {
        #expect(EndpointList().text().hasPrefix("NAMESPACE   SERVICE   PORT"))
        #expect(EndpointList().names == "")
    }

    @Test func `a table that is taken in pieces has one header, and columns that do not become narrower`() {
        var table = TextTable(header: ["A", "B"])
        table.append(["long text", "1"])
        #expect(table.take() == "A           B\nlong text   1\n")
        table.append(["x", "2"])
        table.append(["a still longer one", "3"])
        #expect(table.take() == "x                    2\na still longer one   3\n")
        #expect(table.take() == "")
    }

    @Test func `nothing that came from elsewhere moves the cursor`() {
        var table = TextTable(header: ["A", "B"])
        table.append(["one\u{1b}[2J", "two\nthree"])
        #expect(table.text == "A         B\none?[2J   two?three\n")
    }

    @Test(arguments: [
        (-5, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (125, "2m5s"), (599, "9m59s"), (600, "10m"),
        (10_799, "179m"),
        (10_800, "3h"), (11_000, "3h3m"), (28_800, "8h"), (172_799, "47h"), (172_800, "2d"), (176_400, "2d1h"),
        (691_200, "8d"), (63_071_999, "729d"), (63_072_000, "2y"), (63_158_400, "2y1d"), (252_288_000, "8y"),
    ])
    func `ages are as kubectl has them`(seconds: Int64, text: String) {
        #expect(Age.text(seconds: seconds) == text)
    }
}
