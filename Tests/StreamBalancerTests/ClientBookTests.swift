import Balancing
import Networking
import Testing

@testable import StreamBalancer

@Suite struct ClientBookTests {
    private let client = IPAddress(192, 0, 2, 1)
    private let other = IPAddress(192, 0, 2, 2)

    @Test func `an endpoint is remembered for one Service, for so long`() {
        let book = ClientBook(capacity: 100)
        let endpoint = AffinityValue(rawValue: 7)
        book.remember(endpoint, of: self.client, 1, until: 1_000, now: 0)
        #expect(book.endpoint(of: self.client, 1, now: 999) == endpoint)
        #expect(book.endpoint(of: self.client, 1, now: 1_000) == nil)
        #expect(book.endpoint(of: self.client, 2, now: 1) == nil)
        #expect(book.endpoint(of: self.other, 1, now: 1) == nil)
    }

    @Test func `who was remembered first makes room, those over before`() {
        // One place a page, and these clients are of one page.
        let book = ClientBook(capacity: 16)
        let clients = (0..<3).map { IPAddress(10, 0, $0, 1) }
        book.remember(AffinityValue(rawValue: 1), of: clients[0], 1, until: 500, now: 0)
        book.remember(AffinityValue(rawValue: 2), of: clients[1], 1, until: 900, now: 100)
        #expect(book.endpoint(of: clients[0], 1, now: 100) == nil)
        #expect(book.endpoint(of: clients[1], 1, now: 100) == AffinityValue(rawValue: 2))
        book.remember(AffinityValue(rawValue: 3), of: clients[2], 1, until: 2_000, now: 1_000)
        #expect(book.endpoint(of: clients[2], 1, now: 1_000) == AffinityValue(rawValue: 3))
    }

    @Test func `so many connections at once, of each client and Service`() {
        let book = ClientBook(capacity: 100)
        func admit(_ service: Int, _ client: IPAddress) -> Bool {
            book.admit(service, client, connections: 2, rate: 0, now: 0)
        }
        #expect([admit(1, self.client), admit(1, self.client), admit(1, self.client)] == [true, true, false])
        #expect(admit(1, self.other))
        #expect(admit(2, self.client))
        book.leave(1, self.client)
        #expect(admit(1, self.client))
        #expect(!admit(1, self.client))
    }

    @Test func `so many new connections in a second`() {
        let book = ClientBook(capacity: 100)
        func admit(at now: UInt64) -> Bool { book.admit(1, self.client, connections: 0, rate: 4, now: now) }
        #expect((0..<6).map { _ in admit(at: 0) } == [true, true, true, true, false, false])
        #expect(admit(at: 250))
        #expect(!admit(at: 250))
        #expect((0..<6).map { _ in admit(at: 10_000) } == [true, true, true, true, false, false])
    }
}
