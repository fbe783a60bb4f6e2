internal import Linux
internal import Logging
internal import Networking

/// The addresses that this host has: its own, and by local routes those that it is to have for the userspace balancer. Owned by one
/// thread.
///
/// Without the right to make routes (`CAP_NET_ADMIN`) those stay away, which is said once.
final class VirtualAddresses {
    private var routes: LocalRoutes?
    private var isOpen = false
    /// Those that Fairlead has made routes for.
    private(set) var own: Set<IPAddress> = []
    /// All others of the host's.
    var host: Set<IPAddress> = []
    private var said: Set<String> = []
    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
        // A former process may have left some.
        do throws(SystemError) {
            try self.open()
        } catch {
            self.say(error)
        }
    }

    private func open() throws(SystemError) {
        if self.isOpen { return }
        var routes = try LocalRoutes()
        self.own = try routes.marked()
        self.routes = consume routes
        self.isOpen = true
    }

    func has(_ address: IPAddress) -> Bool {
        self.own.contains(address) || self.host.contains(address) || address.isLoopback
    }

    /// Makes this host's what it does not have. Returns whether it has all of them now.
    func add(_ addresses: Set<IPAddress>) -> Bool {
        let missing = addresses.filter { !self.has($0) }.sorted()
        guard !missing.isEmpty else { return true }
        do throws(SystemError) {
            try self.open()
            // If the first one is refused, so are all.
            var failures = try self.routes?.add([missing[0]]) ?? [:]
            if failures.isEmpty {
                failures = try self.routes?.add(Array(missing.dropFirst())) ?? [:]
                self.own.formUnion(missing.filter { failures[$0] == nil })
            }
            // Somebody has put it there meanwhile.
            for (address, error) in failures where error.isExisting {
                self.host.insert(address)
                failures[address] = nil
            }
            if let failure = failures.min(by: { $0.key < $1.key })?.value { self.say(failure) }
        } catch {
            self.say(error)
        }
        return missing.allSatisfy(self.has)
    }

    /// Gives addresses of ours up. Returns whether they are gone.
    func remove(_ addresses: [IPAddress]) -> Bool {
        guard !addresses.isEmpty else { return true }
        do throws(SystemError) {
            try self.open()
            let failures = try self.routes?.remove(addresses) ?? [:]
            self.own.subtract(addresses.filter { failures[$0] == nil })
            if let failure = failures.min(by: { $0.key < $1.key })?.value { self.say(failure) }
            return failures.isEmpty
        } catch {
            self.say(error)
            return false
        }
    }

    private func say(_ error: SystemError) {
        guard self.said.insert("\(error.call) \(error.reason)").inserted else { return }
        self.logger.error(
            """
            virtual IPs cannot be made this host's: the userspace balancer answers at NodePorts and at addresses that the host has, \
            and nowhere else
            """,
            metadata: ["reason": "\(error)", "mend": "the capability CAP_NET_ADMIN"])
    }
}

extension SystemError {
    /// EEXIST
    fileprivate var isExisting: Bool { self.number == 17 }
}
