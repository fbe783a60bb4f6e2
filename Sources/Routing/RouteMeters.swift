/// Where the requests of a route are counted: a place, and how many owners the place has had before.
@frozen
package struct RouteMeter: BitwiseCopyable, Hashable, Sendable {
    package let place: UInt16
    package let generation: UInt16

    @inlinable
    package init(place: UInt16, generation: UInt16 = 0) {
        self.place = place
        self.generation = generation
    }

    /// What no route is for.
    package static let unrouted = RouteMeter(place: 0)
    /// All routes that have no place of their own.
    package static let others = RouteMeter(place: 1)
    /// The first place that belongs to one route.
    package static let firstOwn = 2
}

/// Who has which place. A copy is a reference.
package struct RouteMeters: Sendable {
    package struct Place: Sendable {
        /// Grows with each owner, so that what was counted for one is not taken for another's.
        package fileprivate(set) var generation: UInt16
        /// nil while nobody has it.
        package fileprivate(set) var route: Route?
    }

    /// From ``RouteMeter/firstOwn`` on.
    package fileprivate(set) var places: [Place] = []

    package init() {}
}

/// Gives places to routes, as many as there are; a route keeps its own as long as it is there. Who comes when there is none left shares one
/// with all others, until its host is compiled anew and there is one.
struct MeterRegistry: Sendable {
    private struct Owner {
        let place: Int
        /// A default backend for all hosts can be that of the rules for all hosts too.
        var users: Int
    }

    private let limit: Int
    private var owners: [Route: Owner] = [:]
    private var free: [Int] = []
    private(set) var meters = RouteMeters()

    /// - Parameter limit: how many routes are counted by themselves.
    init(limit: Int) {
        self.limit = min(limit, IngressPlannerOptions.mostMeteredRoutes)
    }

    /// The meters of the routes of a host, in their order, in the stead of those that it had.
    mutating func exchange(_ former: [Route], for routes: [Route]) -> [RouteMeter] {
        // Before the former ones are let go: who stays keeps its place.
        for route in routes { self.owners[route]?.users += 1 }
        let known = Set(routes.filter { self.owners[$0] != nil })
        for route in former { self.release(route) }
        return routes.map { route in
            if !known.contains(route) { self.take(route) }
            guard let place = self.owners[route]?.place else { return .others }
            return RouteMeter(
                place: UInt16(place + RouteMeter.firstOwn), generation: self.meters.places[place].generation)
        }
    }

    private mutating func take(_ route: Route) {
        if let place = self.free.popLast() {
            self.meters.places[place].generation &+= 1
            self.meters.places[place].route = route
            self.owners[route] = Owner(place: place, users: 1)
        } else if self.meters.places.count < self.limit {
            self.owners[route] = Owner(place: self.meters.places.count, users: 1)
            self.meters.places.append(RouteMeters.Place(generation: 0, route: route))
        }
    }

    private mutating func release(_ route: Route) {
        guard var owner = self.owners[route] else { return }
        owner.users -= 1
        guard owner.users == 0 else {
            self.owners[route] = owner
            return
        }
        self.owners[route] = nil
        self.meters.places[owner.place].route = nil
        self.free.append(owner.place)
    }
}
