internal import Balancing
internal import Networking
internal import Synchronization

/// What is remembered of clients, by all workers together: their endpoints, where a Service has session affinity, and their
/// connections, where it limits them. Looked at once for a connection or session of such a Service, and of no other.
final class ClientBook: Sendable {
    private struct Key: Hashable {
        let service: Int
        let client: IPAddress
    }

    private struct Session {
        var endpoint: AffinityValue
        /// Milliseconds of the workers' clock.
        var until: UInt64
    }

    private struct Usage {
        var open = 0
        /// New connections that it may make now, and when that was counted.
        var tokens: Double
        var countedAt: UInt64
    }

    private struct Page {
        var sessions: [Key: Session] = [:]
        var usage: [Key: Usage] = [:]
    }

    private static let pages = 16
    private let pages: [Lock]
    private let capacity: Int

    private final class Lock: Sendable {
        let page = Mutex(Page())
    }

    /// - Parameter capacity: clients that are remembered for either purpose.
    init(capacity: Int) {
        self.pages = (0..<Self.pages).map { _ in Lock() }
        self.capacity = max(1, capacity / Self.pages)
    }

    private func page(_ key: Key) -> Lock { self.pages[Int(truncatingIfNeeded: key.client.low) & (Self.pages - 1)] }

    // MARK: - Affinity

    /// The endpoint that the client had; nil if it had none, or too long ago.
    func endpoint(of client: IPAddress, _ service: Int, now: UInt64) -> AffinityValue? {
        let key = Key(service: service, client: client)
        return self.page(key).page.withLock { page in
            guard let session = page.sessions[key], session.until > now else { return nil }
            return session.endpoint
        }
    }

    func remember(_ endpoint: AffinityValue, of client: IPAddress, _ service: Int, until: UInt64, now: UInt64) {
        let key = Key(service: service, client: client)
        self.page(key).page.withLock { page in
            if page.sessions.count >= self.capacity, page.sessions[key] == nil {
                page.sessions = page.sessions.filter { $0.value.until > now }
                // Still full: who would be forgotten first makes room.
                if page.sessions.count >= self.capacity,
                    let oldest = page.sessions.min(by: { $0.value.until < $1.value.until })?.key
                {
                    page.sessions[oldest] = nil
                }
            }
            page.sessions[key] = Session(endpoint: endpoint, until: until)
        }
    }

    // MARK: - Limits

    /// Whether the client may have one more connection; it has it then, until ``leave(_:_:)``.
    ///
    /// - Parameters:
    ///   - connections: open at once; 0 for any number.
    ///   - rate: new ones in a second, as many of them at once; 0 for any number.
    func admit(_ service: Int, _ client: IPAddress, connections: Int, rate: Int, now: UInt64) -> Bool {
        let key = Key(service: service, client: client)
        return self.page(key).page.withLock { page in
            var usage = page.usage[key] ?? Usage(tokens: Double(rate), countedAt: now)
            if rate > 0 {
                let elapsed = Double(now - min(usage.countedAt, now)) / 1_000
                usage.tokens = min(Double(rate), usage.tokens + elapsed * Double(rate))
                usage.countedAt = now
            }
            let isAdmitted = (connections == 0 || usage.open < connections) && (rate == 0 || usage.tokens >= 1)
            if isAdmitted {
                usage.open += 1
                if rate > 0 { usage.tokens -= 1 }
            }
            if page.usage[key] == nil, page.usage.count >= self.capacity {
                // Who has nothing open and was quiet for a second has all its tokens: as if it had never come.
                page.usage = page.usage.filter { $0.value.open > 0 || $0.value.countedAt + 1_000 > now }
            }
            page.usage[key] = usage
            return isAdmitted
        }
    }

    func leave(_ service: Int, _ client: IPAddress) {
        let key = Key(service: service, client: client)
        self.page(key).page.withLock { page in
            guard let usage = page.usage[key] else { return }
            page.usage[key]?.open = max(0, usage.open - 1)
        }
    }
}
