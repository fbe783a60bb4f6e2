package import Networking

/// What is known of a host. nil, or nothing in a list, is what could not be found out unless it says otherwise.
package struct HostFacts: Sendable {
    /// What Fairlead is to do here.
    package struct Roles: OptionSet, Hashable, Sendable {
        package let rawValue: Int
        package static let node = Roles(rawValue: 1)
        package static let ingress = Roles(rawValue: 2)

        package init(rawValue: Int) { self.rawValue = rawValue }
    }

    /// What came of having the kernel take the table, in a transaction that leaves nothing behind.
    package enum TableTrial: Hashable, Sendable {
        case taken
        /// CAP_NET_ADMIN is missing here.
        case notPermitted
        /// nf_tables is not there: no netlink family, or no such table type.
        case missing(reason: String)
        /// The part of the table that the kernel refused, and its words.
        case refused(part: String, reason: String)
    }

    package struct Conntrack: Hashable, Sendable {
        /// Connections that are tracked in this network namespace.
        package var count: Int
        /// How many there may be, in all namespaces together.
        package var maximum: Int
        /// Packets that were dropped because there was no room, as long as there has been this network namespace.
        package var drops: Int
        /// Connections that had to make room for others.
        package var earlyDrops: Int

        package init(count: Int, maximum: Int, drops: Int = 0, earlyDrops: Int = 0) {
            self.count = count
            self.maximum = maximum
            self.drops = drops
            self.earlyDrops = earlyDrops
        }
    }

    /// A setting of connection tracking that Fairlead would change.
    package struct Tuning: Hashable, Sendable {
        package let name: String
        package let current: Int
        package let wanted: Int
        /// Whether this process may change it.
        package let isSettable: Bool

        package init(name: String, current: Int, wanted: Int, isSettable: Bool) {
            self.name = name
            self.current = current
            self.wanted = wanted
            self.isSettable = isSettable
        }
    }

    /// A chain of somebody else's that packets come to, and that can end them.
    package struct ForeignFilter: Hashable, Sendable {
        /// `table ip filter`.
        package let table: String
        package let chain: String
        /// `forward`.
        package let hook: String
        package let dropsByDefault: Bool
        /// Rules that drop or reject, in this chain and in those that it leads to.
        package let denials: Int

        package init(table: String, chain: String, hook: String, dropsByDefault: Bool, denials: Int) {
            self.table = table
            self.chain = chain
            self.hook = hook
            self.dropsByDefault = dropsByDefault
            self.denials = denials
        }
    }

    /// An address that Fairlead is to listen at.
    package struct Port: Hashable, Sendable {
        package enum State: Hashable, Sendable {
            case free
            /// By whom, if that is to be seen.
            case taken(process: Int32?, command: String)
        }

        package let purpose: String
        package let address: IPAddress
        package let number: UInt16
        package var state: State
        /// The option by which another one is chosen.
        package let option: String

        package init(
            purpose: String, address: IPAddress, number: UInt16, state: State = .free, option: String
        ) {
            self.purpose = purpose
            self.address = address
            self.number = number
            self.state = state
            self.option = option
        }
    }

    /// Something that the API server lets this process do, or not.
    package struct Access: Hashable, Sendable {
        package let verb: String
        /// `endpointslices`, with the group as in RBAC: `discovery.k8s.io`, empty for the core.
        package let resource: String
        package let group: String
        package let isAllowed: Bool
        /// Without it Fairlead does not work, rather than not write events or a status.
        package let isNeeded: Bool

        package init(verb: String, resource: String, group: String, isAllowed: Bool, isNeeded: Bool) {
            self.verb = verb
            self.resource = resource
            self.group = group
            self.isAllowed = isAllowed
            self.isNeeded = isNeeded
        }
    }

    package enum APIServer: Hashable, Sendable {
        case answered([Access])
        case failed(reason: String)
    }

    /// What was said of manifests when they were read.
    package struct Manifests: Hashable, Sendable {
        package let directory: String
        package let objects: Int
        package let errors: [String]
        package let warnings: [String]

        package init(directory: String, objects: Int, errors: [String], warnings: [String]) {
            self.directory = directory
            self.objects = objects
            self.errors = errors
            self.warnings = warnings
        }
    }

    package var roles: Roles
    /// As `uname -r` has it.
    package var kernel = ""
    package var hasNetworkAdministration = false
    /// Whether ports below `firstFreePort` can be listened on.
    package var canBindLowPorts = false
    /// `net.ipv4.ip_unprivileged_port_start`.
    package var firstFreePort = 1024
    package var table: TableTrial?
    /// Of each family that the host has, whether it forwards.
    package var forwards: [AddressFamily: Bool] = [:]
    package var conntrack: Conntrack?
    package var tunings: [Tuning] = []
    /// What kube-proxy left, part by part; nil: it was not looked for.
    package var leftovers: [String]?
    /// What could not be looked at for that.
    package var obstacles: [String] = []
    /// Who programs this network namespace already: its process and command.
    package var instance: (process: Int32?, command: String)?
    package var filters: [ForeignFilter] = []
    /// What could not be looked at, and why.
    package var unseen: [Finding.Topic: String] = [:]
    package var ports: [Port] = []
    /// Descriptors that a process may have.
    package var descriptors: Int?
    package var apiServer: APIServer?
    package var manifests: Manifests?

    package init(roles: Roles) { self.roles = roles }
}
