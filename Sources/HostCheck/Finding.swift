// HostCheck: whether a host is fit for Fairlead. `HostInspection` gathers facts and changes nothing; `HostFacts.findings` judges them,
// without looking at anything; `FindingReport` shows what came out.

/// One thing that was looked at, and what to make of it.
package struct Finding: Hashable, Sendable {
    package enum Level: String, Hashable, Sendable, CaseIterable, Comparable {
        case ok
        /// Works, but not for everybody or not for long.
        case warning
        /// Fairlead cannot do its work.
        case failure

        private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

        package static func < (one: Level, other: Level) -> Bool { one.rank < other.rank }
    }

    /// What a finding is about: what scripts go by.
    package enum Topic: String, Hashable, Sendable, CaseIterable {
        case privileges
        case kernel
        case forwarding
        case conntrack
        case proxies
        case filters
        case ports
        case limits
        case apiServer = "api-server"
        case manifests
    }

    package let topic: Topic
    package let level: Level
    package let message: String
    /// What to do about it; nil where nothing is to be done, or it is in the message.
    package let remedy: String?

    package init(_ topic: Topic, _ level: Level, _ message: String, remedy: String? = nil) {
        self.topic = topic
        self.level = level
        self.message = message
        self.remedy = remedy
    }
}
