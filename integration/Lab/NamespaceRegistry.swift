internal import Glibc
internal import Linux
import Synchronization

/// Sees to it that no namespace stays behind: not after a failure, not after `exit`, and, by their
/// names `fl-PID-LAB-HOST`, not after a kill of an earlier process.
enum NamespaceRegistry {
    private static let names = Mutex<Set<String>>([])

    /// Deletes what is left when the process exits without a tear-down.
    private static let atExit: Void = {
        atexit {
            for name in NamespaceRegistry.names.withLock({ $0 }) { NetworkNamespace.delete(named: name) }
        }
    }()

    static func create(lab: Int, host: String) throws -> NetworkNamespace {
        _ = self.atExit
        let name = "fl-\(getpid())-\(lab)-\(host)"
        self.names.withLock { _ = $0.insert(name) }
        return try NetworkNamespace(creating: name)
    }

    static func delete(_ namespace: NetworkNamespace) {
        namespace.delete()
        self.names.withLock { _ = $0.remove(namespace.name) }
    }

    /// Deletes the namespaces of processes that do not exist any more.
    static func sweep() {
        for name in NetworkNamespace.names() {
            let parts = name.split(separator: "-")
            guard parts.count >= 4, parts[0] == "fl", let pid = Int32(parts[1]), pid > 0 else { continue }
            if kill(pid, 0) == -1, errno == ESRCH { NetworkNamespace.delete(named: name) }
        }
    }
}
