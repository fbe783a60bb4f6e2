package import Nftables

/// `--dataplane`: who serves virtual IPs and NodePorts.
package enum DataplaneChoice: String, Hashable, Sendable, CaseIterable {
    /// nftables, and as long as that cannot be programmed the userspace balancer.
    case auto
    case nftables
    case userspace
}

/// Who serves now.
package enum DataplaneMode: Hashable, Sendable {
    case nftables
    /// With the reason, where nobody chose it.
    case userspace(reason: String?)

    /// As `/proxyMode` and metrics have it.
    package enum Name: String, Hashable, Sendable, CaseIterable {
        case nftables
        case userspace
    }

    package var name: Name {
        switch self {
        case .nftables: .nftables
        case .userspace: .userspace
        }
    }
}

/// When the balancer takes over, and when the kernel gets its work back.
package struct DataplaneFallback: Sendable {
    /// So many failures in a row, with the pauses between them about a second, and nftables counts as broken.
    package static let failuresInARow = 4
    /// The longest pause between two attempts while the balancer serves.
    package static let longestPause = Duration.seconds(4)

    package let choice: DataplaneChoice
    package private(set) var mode: DataplaneMode
    private var failures = 0

    package init(_ choice: DataplaneChoice) {
        self.choice = choice
        self.mode = choice == .userspace ? .userspace(reason: nil) : .nftables
    }

    package var isUserspace: Bool { self.mode != .nftables }

    /// Whether the kernel is programmed, or tried.
    package var usesKernel: Bool { self.choice != .userspace }

    /// Programming failed. Returns whether the balancer takes over now.
    ///
    /// - Parameter isFull: all of the table was to be written, so that it cannot be something that somebody took away meanwhile.
    package mutating func failed(_ error: NftablesError, isFull: Bool) -> Bool {
        guard self.choice == .auto, self.mode == .nftables, error.code != .changedMeanwhile else { return false }
        self.failures += 1
        guard self.failures >= Self.failuresInARow || error.isFinal(isFull: isFull) else { return false }
        self.mode = .userspace(reason: error.description)
        return true
    }

    /// Programming succeeded. Returns whether the kernel has taken over now.
    package mutating func succeeded() -> Bool {
        self.failures = 0
        guard self.choice == .auto, self.mode != .nftables else { return false }
        self.mode = .nftables
        return true
    }
}

extension NftablesError {
    /// Whether the answer would be the same a moment later: nf_tables, or a part of it that the table needs, is not there, or not
    /// for this process.
    fileprivate func isFinal(isFull: Bool) -> Bool {
        switch self.number {
        // EPERM, EACCES, ENOSYS, ENOPROTOOPT, EPROTONOSUPPORT, ESOCKTNOSUPPORT, EOPNOTSUPP, EPFNOSUPPORT, EAFNOSUPPORT
        case 1, 13, 38, 92, 93, 94, 95, 96, 97: true
        // ENOENT: of something that the whole table brings with it, this is a module that cannot be loaded.
        case 2: isFull
        default: self.code == .notPermitted
        }
    }
}
