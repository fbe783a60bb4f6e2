package import Networking
package import ServiceModel
internal import Synchronization

/// A userspace balancer that listens nowhere, and remembers what it was told.
package final class FakeStreams: StreamServing {
    private struct State {
        var served: [StreamAddress: StreamFrontend] = [:]
        var reserved: Set<StreamAddress> = []
        var clients = ClientDetection()
        var history: [StreamChange] = []
        var refusals: [StreamAddress: String] = [:]
        var open: [IPAddress: Int] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    package func apply(_ changes: [StreamChange], clients: ClientDetection) -> [StreamProblem] {
        self.state.withLock { state in
            state.clients = clients
            state.history += changes
            return changes.compactMap { change in
                switch change {
                case .serve(let address, let frontend):
                    if let reason = state.refusals[address] {
                        state.served[address] = nil
                        return StreamProblem(address, frontend.plan.port, reason: reason)
                    }
                    state.served[address] = frontend
                    state.reserved.remove(address)
                case .reserve(let address):
                    state.served[address] = nil
                    precondition(state.reserved.insert(address).inserted, "\(address) is reserved already")
                case .withdraw(let address):
                    let wasServed = state.served.removeValue(forKey: address) != nil
                    precondition(
                        state.reserved.remove(address) != nil || wasServed, "\(address) is neither served nor reserved")
                }
                return nil
            }
        }
    }

    package func openConnections(at address: IPAddress) -> Int { self.state.withLock { $0.open[address] ?? 0 } }

    // MARK: - What tests look at, and set

    package var served: [StreamAddress: StreamFrontend] { self.state.withLock { $0.served } }

    package var reserved: Set<StreamAddress> { self.state.withLock { $0.reserved } }

    package var clients: ClientDetection { self.state.withLock { $0.clients } }

    /// Changes since this was asked last.
    package func takeHistory() -> [StreamChange] {
        self.state.withLock { state in
            defer { state.history = [] }
            return state.history
        }
    }

    /// Somebody else listens there; nil: not any more.
    package func refuse(_ address: StreamAddress, _ reason: String?) {
        self.state.withLock { $0.refusals[address] = reason }
    }

    package func setOpenConnections(_ count: Int, at address: IPAddress) {
        self.state.withLock { $0.open[address] = count }
    }
}
