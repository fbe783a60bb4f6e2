extension EndpointSet {
    /// The backend has these endpoints from now on. Those that stay keep their slots, counters and ejection.
    ///
    /// An endpoint that is listed twice counts once, as the first says: EndpointSlices may name one twice while it moves
    /// between slices.
    public mutating func update(to endpoints: [BackendEndpoint]) -> EndpointChanges {
        var changes = EndpointChanges()
        self.updates += 1
        for endpoint in endpoints {
            let hash = self.affinityKey.value(address: endpoint.address, port: endpoint.port).rawValue
            let place = self.place(of: endpoint, hash)
            guard place >= 0 else {
                changes.added.append(self.add(endpoint, hash))
                continue
            }
            if self.states[place].update == self.updates { continue }
            self.states[place].update = self.updates
            if self.loads[place].stage == .draining {
                self.loads[place].stage = .active
                self.count += 1
                changes.returned.append(self.slot(at: place))
            } else if self.states[place].endpoint != endpoint {
                changes.changed.append(self.slot(at: place))
            }
            self.states[place].endpoint = endpoint
        }
        for place in self.loads.indices
        where self.loads[place].stage == .active && self.states[place].update != self.updates {
            changes.removed.append(self.slot(at: place))
            self.loads[place].stage = .draining
            self.count -= 1
            if self.loads[place].isUnused { self.release(place) }
        }
        if !changes.isEmpty { self.attentionAt = 0 }
        return changes
    }

    /// Also of those that drain.
    private func place(of endpoint: BackendEndpoint, _ hash: UInt64) -> Int {
        self.index.place(hash) { place in
            self.states[place].endpoint.address == endpoint.address && self.states[place].endpoint.port == endpoint.port
        }
    }

    private mutating func add(_ endpoint: BackendEndpoint, _ hash: UInt64) -> EndpointSlot {
        let state = EndpointState(endpoint: endpoint, affinity: hash, update: self.updates)
        let place: Int
        if let free = self.freePlaces.popLast() {
            place = Int(free)
            let generation = self.loads[place].generation
            self.loads[place] = EndpointLoad()
            self.loads[place].generation = generation
            self.states[place] = state
        } else {
            place = self.loads.count
            self.loads.append(EndpointLoad())
            self.states.append(state)
            // Room for each place to become free without allocation.
            self.freePlaces.reserveCapacity(self.loads.capacity)
        }
        self.loads[place].stage = .active
        self.count += 1
        self.index.insert(hash, place)
        return self.slot(at: place)
    }

    /// The place can be another's: nothing refers to it any more.
    @usableFromInline
    mutating func release(_ place: Int) {
        self.index.remove(self.states[place].affinity, place)
        if self.states[place].hasReturned { self.returnedCount -= 1 }
        self.states[place].hasReturned = false
        self.loads[place].stage = .free
        self.loads[place].weight = 0
        self.loads[place].isEjected = false
        self.loads[place].isFailing = false
        // 0 is that of no slot.
        self.loads[place].generation &+= 1
        if self.loads[place].generation == 0 { self.loads[place].generation = 1 }
        self.freePlaces.append(Int32(place))
    }
}
