import Balancing
import Bytes
import HTTP1
import Networking
import Reactor
import Routing
import Testing

@testable import HTTPProxy

@Suite struct AffinityTests {
    /// What a request with these field lines says of its endpoint.
    private static func affinity(_ kind: RouteAffinity.Kind, _ name: String, _ lines: [String]) throws
        -> Exchange.Affinity
    {
        var client = ClientConnection(
            .none, Transport(), phase: .waiting, timer: 0, peer: SocketAddress(IPAddress(192, 0, 2, 1), 1), listener: 0,
            forwarding: Forwarding(isTrusted: false, isSecure: false, port: 80))
        client.input = ByteBuffer(capacity: 4_096)
        client.input.append(text: "GET / HTTP/1.1\r\nHost: a.example\r\n")
        for line in lines { client.input.append(text: "\(line)\r\n") }
        client.input.append("\r\n")
        var fields = FieldTable(capacity: 100)
        guard case .complete = client.parseHead(MessageLimits(), &fields) else { throw Unparsed() }
        let bytes = Array(name.utf8)
        return client.affinity(kind, bytes.span, fields)
    }

    private struct Unparsed: Error {}

    private static func cookie(_ name: String, _ lines: String...) throws -> String? {
        guard case .session(let value) = try Self.affinity(.cookie, name, lines) else {
            Issue.record("a route with cookies has sessions")
            return nil
        }
        guard let value else { return nil }
        return String(value.rawValue, radix: 16)
    }

    private static func key(_ name: String, _ lines: String...) throws -> UInt64? {
        switch try Self.affinity(.header, name, lines) {
        case .none: return nil
        case .key(let key): return key
        case .session:
            Issue.record("a header is no session")
            return nil
        }
    }

    // MARK: - Cookies

    @Test(arguments: [
        "INGRESSCOOKIE=0123456789abcdef",
        "INGRESSCOOKIE=0123456789ABCDEF",
        "INGRESSCOOKIE=0123456789abcdef;",
        "a=b; INGRESSCOOKIE=0123456789abcdef",
        "a=b;INGRESSCOOKIE=0123456789abcdef;c=d",
        "a=b;   INGRESSCOOKIE=0123456789abcdef; c=d",
        "INGRESSCOOKIE2=ffffffffffffffff; XINGRESSCOOKIE=ffffffffffffffff; INGRESSCOOKIE=0123456789abcdef",
        ";;; INGRESSCOOKIE=0123456789abcdef",
        "=; INGRESSCOOKIE=0123456789abcdef",
        "a; INGRESSCOOKIE=0123456789abcdef",
        // The first counts (RFC 6265 section 5.4: the one with the longer path).
        "INGRESSCOOKIE=0123456789abcdef; INGRESSCOOKIE=ffffffffffffffff",
    ])
    func `a cookie of ours is found among others`(value: String) throws {
        #expect(try Self.cookie("INGRESSCOOKIE", "Cookie: \(value)") == "123456789abcdef")
    }

    @Test(arguments: [
        "", "INGRESSCOOKIE", "INGRESSCOOKIE=", "INGRESSCOOKIE=0123456789abcde", "INGRESSCOOKIE=0123456789abcdef0",
        "INGRESSCOOKIE=0123456789abcdeg", "INGRESSCOOKIE=\"123456789abcdef\"", "ingresscookie=0123456789abcdef",
        "INGRESSCOOKIE =0123456789abcdef", "INGRESSCOOKIE=0123456789abcdef ; a=b", "a=INGRESSCOOKIE=0123456789abcdef",
        "XINGRESSCOOKIE=0123456789abcdef", "INGRESSCOOKIE=ffff;0123456789abcdef", "a b INGRESSCOOKIE=0123456789abcdef",
    ])
    func `what is none of ours begins a session`(value: String) throws {
        #expect(try Self.cookie("INGRESSCOOKIE", "Cookie: \(value)") == nil)
    }

    @Test func `there may be several fields, and other fields do not count`() throws {
        #expect(try Self.cookie("s") == nil)
        #expect(try Self.cookie("s", "X-Cookie: s=0123456789abcdef", "Cookie2: s=0123456789abcdef") == nil)
        #expect(try Self.cookie("s", "cookie: a=b", "COOKIE: s=00000000000000ff") == "ff")
        #expect(try Self.cookie("s", "Cookie: s=none of ours", "Cookie: s=00000000000000ff") == "ff")
    }

    // MARK: - Headers

    @Test func `a header's value is the key, whatever the case of its name`() throws {
        let key = try Self.key("x-user", "X-User: alice")
        #expect(key != nil)
        #expect(try Self.key("x-user", "x-user: alice") == key)
        #expect(try Self.key("x-user", "X-USER:    alice  ") == key)
        #expect(try Self.key("x-user", "X-Use: bob", "X-User: alice", "X-User: bob") == key, "the first counts")
        #expect(try Self.key("x-user", "X-User: Alice") != key)
        #expect(try Self.key("x-user", "X-User: alic") != key)
        // Known fields too, as the planner lets any name through.
        #expect(try Self.key("user-agent", "User-Agent: alice") == key)
        #expect(try Self.key("host") != nil)
    }

    @Test func `without the header there is no key`() throws {
        #expect(try Self.key("x-user") == nil)
        #expect(try Self.key("x-user", "X-Users: alice", "XX-User: alice", "X-Usex: alice") == nil)
    }

    @Test func `a header without a value is a key as well`() throws {
        let empty = try Self.key("x-user", "X-User:")
        #expect(empty != nil)
        #expect(try Self.key("x-user", "X-User:  ") == empty)
    }

    @Test func `a route without affinity asks for nothing`() throws {
        guard case .none = try Self.affinity(.none, "", ["Cookie: s=0123456789abcdef"]) else {
            Issue.record("something was found")
            return
        }
    }
}
