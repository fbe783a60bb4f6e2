package import KubernetesAPI
package import Networking
package import ServiceModel

/// What the userspace balancer serves, or is about to, and what the kernel does in its stead or for it.
///
/// A value: plans in; out come the addresses at which something changed, and the plans as the kernel is to have them.
package struct StreamProgram: Sendable {
    /// What it depends on besides Services.
    package struct Settings: Hashable, Sendable {
        package var balancer = BalancerAddresses()
        /// Families of which the kernel can hand connections to the balancer: those whose address of the balancer is there.
        package var handover: Set<AddressFamily> = []
        /// The kernel cannot be programmed: every virtual IP and NodePort is the balancer's.
        package var servesEverything = false
        /// It may have to become so at any moment: the kernel leads NodePorts past the sockets that are there for them, and without it
        /// nobody is refused before they are served.
        package var standsBy = false
        /// NodePorts at 127.0.0.1 and ::1, which no kernel translates.
        package var servesLocalhost = true
        /// The node's addresses on which NodePorts answer.
        package var nodePortAddresses: Set<IPAddress> = []
        /// The process is about to end: Services that the kernel can serve, though not as they ask for, are its.
        package var isEnding = false

        package init() {}
    }

    /// What changed.
    package struct Touched: Sendable {
        package var streams: Set<StreamAddress> = []
        package var addresses: Set<IPAddress> = []

        package init() {}

        fileprivate mutating func formUnion(_ holding: Holding) {
            self.streams.formUnion(holding.streams.lazy.map(\.address))
            self.streams.formUnion(holding.reserved)
            self.addresses.formUnion(holding.virtual)
        }
    }

    /// What one Service has.
    fileprivate struct Holding: Sendable {
        var streams: [Claim] = []
        /// What would be served without the kernel.
        var reserved: Set<StreamAddress> = []
        /// Addresses that this host has to have for it.
        var virtual: Set<IPAddress> = []
        var ports: Set<BalancerPorts.Key> = []
        /// Where the kernel sends what comes to a frontend of the balancer's.
        var targets: [Frontend: Set<Backend>] = [:]
    }

    fileprivate struct Claim: Hashable, Sendable {
        let address: StreamAddress
        let stream: StreamFrontend
        /// A NodePort gives way to a virtual IP of the same address and port, as it does in the kernel.
        let isNodePort: Bool
    }

    package private(set) var settings: Settings
    private var ports: BalancerPorts
    private var holdings: [ObjectName: Holding] = [:]
    private var claims: [StreamAddress: [ObjectName: Claim]] = [:]
    private var virtual = ReferenceCounts<IPAddress>()
    private var reserved = ReferenceCounts<StreamAddress>()
    /// Services that ask for the balancer and stay with the kernel: it cannot listen for them.
    private var kept: Set<ObjectName> = []

    package init(_ settings: Settings) {
        self.settings = settings
        self.ports = BalancerPorts(settings.balancer.ports)
    }

    // MARK: - What is wanted

    /// What is served at an address; nil: nothing.
    package subscript(address: StreamAddress) -> StreamFrontend? {
        self.claims[address]?.min { left, right in
            left.value.isNodePort != right.value.isNodePort ? !left.value.isNodePort : left.key < right.key
        }?.value.stream
    }

    package var served: [StreamAddress: StreamFrontend] {
        Dictionary(uniqueKeysWithValues: self.claims.keys.compactMap { key in self[key].map { (key, $0) } })
    }

    /// How many addresses, with a port, something is served at.
    package var addressCount: Int { self.claims.count }

    /// Whether an address is to be nobody else's, though it is not served as long as the kernel does that.
    package func reserves(_ address: StreamAddress) -> Bool { self.reserved.contains(address) }

    /// Whether this host has to have an address for what is served, or refused, there.
    package func needs(_ address: IPAddress) -> Bool { self.virtual.contains(address) }

    package var virtualAddresses: Set<IPAddress> { Set(self.virtual.keys) }

    /// Where the kernel sends what comes to a frontend that it hands over; nil: it does not.
    package func handoverTargets(of frontend: Frontend, of service: ObjectName) -> Set<Backend>? {
        self.holdings[service]?.targets[frontend]
    }

    /// Whether the kernel hands over any of the frontends of a Service that are meant.
    package func handsOver(_ service: ObjectName, where isMeant: (Frontend) -> Bool) -> Bool {
        self.holdings[service]?.targets.keys.contains(where: isMeant) ?? false
    }

    /// Services that the kernel hands over.
    package var handedOver: Set<ObjectName> { Set(self.holdings.filter { !$0.value.targets.isEmpty }.keys) }

    // MARK: - Changes

    /// Takes over what the host and its operator say. All plans have to be applied again.
    package mutating func adopt(_ settings: Settings) {
        self.settings = settings
        self.kept = []
        self.ports.forgetTaken()
    }

    /// The kernel cannot lead anybody to the balancer.
    package mutating func giveUpHandover(_ family: AddressFamily) { self.settings.handover.remove(family) }

    /// Takes over the plans of some Services; nil means that a Service asks for nothing any more.
    ///
    /// - Parameters:
    ///   - preferring: the ports that the kernel's table leads to, where it was read back.
    ///   - touched: what changes is added here.
    /// - Returns: the plans as the kernel is to have them.
    package mutating func apply(
        _ plans: [ObjectName: ServicePlan?],
        preferring: TableProgram.Hints? = nil,
        touched: inout Touched
    ) -> [ObjectName: ServicePlan?] {
        var kernelPlans = plans
        // In an order of their own: two whose hashes are the same get their ports in that order.
        for name in plans.keys.sorted() {
            let plan = plans[name] ?? nil
            let former = self.holdings[name]
            guard former != nil || plan.map(self.concerns) ?? false else { continue }
            var holding = Holding()
            if let plan {
                kernelPlans[name] = .some(self.handOver(plan, preferring, &holding))
                if self.settings.servesLocalhost { self.addLocalhost(plan, to: &holding) }
                if self.settings.servesEverything { self.addVirtualAddresses(plan, to: &holding) }
                self.addNodePorts(plan, to: &holding)
            }
            if let former { touched.formUnion(former) }
            touched.formUnion(holding)
            self.replace(former ?? Holding(), with: holding, of: name)
        }
        return kernelPlans
    }

    /// A port at the balancer's own address cannot be had. Returns the Service whose plan is to be applied again, for another port; nil:
    /// the address is no such port.
    ///
    /// - Parameter keepsService: the Service is to stay with the kernel instead.
    package mutating func avoid(_ address: StreamAddress, keepsService: Bool = false) -> ObjectName? {
        guard self.settings.balancer.contains(address.address),
            let (name, _) = self.claims[address]?.first,
            let key = self.holdings[name]?.ports.first(where: {
                $0.family == address.address.family && $0.port.transport == address.transport
                    && self.ports[$0] == address.port
            })
        else { return nil }
        if keepsService { self.kept.insert(name) } else { self.ports.avoid(address.port, of: key) }
        return name
    }

    /// Whether a plan is any of the balancer's business.
    private func concerns(_ plan: ServicePlan) -> Bool {
        self.settings.servesEverything || plan.streamPolicy != nil
            || (self.settings.servesLocalhost || self.settings.standsBy)
                && plan.frontends.contains { $0.role == .nodePort }
    }

    private mutating func replace(_ former: Holding, with holding: Holding, of name: ObjectName) {
        for claim in former.streams {
            self.claims[claim.address]?[name] = nil
            if self.claims[claim.address]?.isEmpty == true { self.claims[claim.address] = nil }
        }
        for claim in holding.streams { self.claims[claim.address, default: [:]][name] = claim }
        for address in holding.virtual { self.virtual.retain(address) }
        for address in former.virtual { self.virtual.release(address) }
        for address in holding.reserved { self.reserved.retain(address) }
        for address in former.reserved { self.reserved.release(address) }
        for key in former.ports.subtracting(holding.ports) { self.ports.release(key) }
        let isEmpty =
            holding.streams.isEmpty && holding.reserved.isEmpty && holding.virtual.isEmpty && holding.ports.isEmpty
        self.holdings[name] = isEmpty ? nil : holding
    }

    // MARK: - Handing over

    /// A Service that is the balancer's has one endpoint for the kernel: the balancer.
    private mutating func handOver(
        _ plan: ServicePlan, _ hints: TableProgram.Hints?, _ holding: inout Holding
    ) -> ServicePlan {
        guard plan.streamPolicy != nil, !self.kept.contains(plan.service) else { return plan }
        let frontends = plan.frontends.map { frontend -> FrontendPlan in
            let family = frontend.frontend.family
            let policy = plan.streamPolicy(at: frontend)
            guard plan.needsBalancer(at: frontend), self.settings.handover.contains(family),
                !self.settings.isEnding || policy.isExclusive
            else { return frontend }
            func backend(_ entrance: BalancerPorts.Entrance, _ former: [Backend]?) -> Backend? {
                let key = BalancerPorts.Key(port: frontend.port, family: family, entrance: entrance)
                let address = self.settings.balancer[family]
                let preferred = former?.first { $0.address == address }?.port
                guard let number = self.ports.number(key, preferring: preferred) else { return nil }
                holding.ports.insert(key)
                let isOutside = entrance == .outside
                let stream = StreamFrontend(
                    frontend.entrance(isOutside: isOutside), policy.entrance(isOutside: isOutside))
                let claim = Claim(
                    address: StreamAddress(frontend.port.transport, address, number), stream: stream,
                    isNodePort: false)
                if !holding.streams.contains(where: { $0.address == claim.address }) { holding.streams.append(claim) }
                return Backend(address, number)
            }
            var main: Backend?
            var outside: Backend?
            if frontend.entrance(isOutside: false).hasBackends {
                let entrance = frontend.role == .clusterIP ? BalancerPorts.Entrance.clusterIP : .external
                main = backend(entrance, hints?.main[frontend.frontend])
                guard main != nil else { return frontend }
            }
            if frontend.externalRoute != nil, frontend.entrance(isOutside: true).hasBackends {
                outside = backend(.outside, hints?.external[frontend.frontend])
                guard outside != nil else { return frontend }
            }
            let targets = [main, outside].compactMap(\.self)
            // Whom nobody can serve, the kernel refuses or drops.
            guard !targets.isEmpty else { return frontend }
            holding.targets[frontend.frontend] = Set(targets)
            holding.virtual.formUnion(targets.map(\.address))
            return frontend.leading(to: main, outside: outside)
        }
        return plan.with(frontends)
    }

    // MARK: - Serving in the kernel's stead

    private func addLocalhost(_ plan: ServicePlan, to holding: inout Holding) {
        for frontend in plan.frontends where frontend.role == .nodePort && frontend.port.transport != .sctp {
            guard frontend.hasEndpoints else { continue }
            let loopback =
                frontend.frontend.family == .ipv4 ? IPAddress(127, 0, 0, 1) : IPAddress(ipv6High: 0, low: 1)
            holding.streams.append(self.claim(plan, frontend, at: loopback))
        }
    }

    private func addVirtualAddresses(_ plan: ServicePlan, to holding: inout Holding) {
        holding.virtual.formUnion(plan.clusterIPs)
        for frontend in plan.frontends where frontend.port.transport != .sctp {
            guard case .address(let address) = frontend.frontend.location else { continue }
            // An address with nobody behind it is this host's as well: it answers that the port is closed.
            holding.virtual.insert(address)
            if frontend.hasEndpoints { holding.streams.append(self.claim(plan, frontend, at: address)) }
        }
    }

    private func addNodePorts(_ plan: ServicePlan, to holding: inout Holding) {
        guard self.settings.servesEverything || self.settings.standsBy else { return }
        for frontend in plan.frontends where frontend.port.transport != .sctp && frontend.hasEndpoints {
            guard case .node(let family) = frontend.frontend.location else { continue }
            // Link-local addresses of IPv6 are listened on with the name of an interface, which plans do not have.
            for address in self.settings.nodePortAddresses
            where address.family == family && !(family == .ipv6 && address.isLinkLocal) {
                let claim = self.claim(plan, frontend, at: address)
                if self.settings.servesEverything {
                    holding.streams.append(claim)
                } else {
                    holding.reserved.insert(claim.address)
                }
            }
        }
    }

    private func claim(_ plan: ServicePlan, _ frontend: FrontendPlan, at address: IPAddress) -> Claim {
        Claim(
            address: StreamAddress(frontend.port.transport, address, frontend.frontend.port),
            stream: StreamFrontend(frontend, plan.streamPolicy(at: frontend)), isNodePort: frontend.role == .nodePort)
    }
}
