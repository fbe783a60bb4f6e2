internal import KubernetesAPI

/// Which certificates are about to expire, or have, and of which of them that has been said. A value.
struct CertificateExpiry {
    enum Stage: String, Hashable, Sendable, CaseIterable {
        case valid
        case expiring
        case expired
    }

    struct Item: Hashable {
        let secret: ObjectName
        /// Unix seconds.
        let notAfter: Int64
    }

    struct Warning: Hashable {
        let item: Item
        let stage: Stage
    }

    /// Seconds.
    let notice: Int64
    private var told: Set<Warning> = []

    init(notice: Duration) {
        self.notice = notice.components.seconds
    }

    func stage(of notAfter: Int64, at now: Int64) -> Stage {
        if notAfter <= now { return .expired }
        return notAfter - now <= self.notice ? .expiring : .valid
    }

    /// What has to be said now, of those that are served. Each stage of each certificate is said once.
    mutating func look(at items: some Collection<Item>, now: Int64) -> [Warning] {
        let due = Set(
            items.map { Warning(item: $0, stage: self.stage(of: $0.notAfter, at: now)) }.filter { $0.stage != .valid })
        defer { self.told = due }
        return due.subtracting(self.told).sorted {
            ($0.item.notAfter, $0.item.secret) < ($1.item.notAfter, $1.item.secret)
        }
    }
}
