import Networking
import Testing

@testable import Admin

@Suite struct ListenerPlanTests {
    private static let first = IPAddress(192, 0, 2, 1)
    private static let second = IPAddress(192, 0, 2, 2)

    private func check(_ name: String, _ port: UInt16, endpoints: Int = 1) -> HealthCheck {
        HealthCheck(namespace: "default", name: name, port: port, localEndpoints: endpoints)
    }

    private func state(_ checks: [HealthCheck], _ addresses: [IPAddress]? = [first]) -> HealthCheckState {
        HealthCheckState(checks: checks, addresses: addresses, isProxyHealthy: true)
    }

    private func key(_ name: String, _ port: UInt16, _ address: IPAddress = first) -> ListenerKey {
        ListenerKey(namespace: "default", name: name, address: address, port: port)
    }

    @Test func everyServiceHasAListenerAtEachAddress() {
        var plan = ListenerPlan()
        let step = plan.update(to: self.state([self.check("b", 2), self.check("a", 1)], [Self.first, Self.second]))
        #expect(
            step
                == .init(open: [
                    self.key("a", 1), self.key("a", 1, Self.second), self.key("b", 2), self.key("b", 2, Self.second),
                ]))
    }

    @Test func withoutAddressesItIsAllOfBothFamilies() {
        var plan = ListenerPlan()
        let step = plan.update(to: self.state([self.check("a", 1)], nil))
        #expect(step.open.map(\.address.description) == ["0.0.0.0", "::"])
    }

    @Test func aCountNeedsNoNewListener() {
        var plan = ListenerPlan()
        _ = plan.update(to: self.state([self.check("a", 1, endpoints: 0)]))
        #expect(plan.answer(port: 1)?.isPositive == false)
        #expect(plan.update(to: self.state([self.check("a", 1, endpoints: 3)])) == .init())
        #expect(plan.answer(port: 1)?.weight == 3)
        #expect(plan.answer(port: 1)?.isPositive == true)
    }

    @Test func onlyAddressesThatDifferOpenAndClose() {
        var plan = ListenerPlan()
        let third = IPAddress(192, 0, 2, 3)
        _ = plan.update(to: self.state([self.check("a", 1)], [Self.first, Self.second]))
        let step = plan.update(to: self.state([self.check("a", 1)], [third, Self.second, third]))
        #expect(step == .init(close: [self.key("a", 1)], open: [self.key("a", 1, third)]))
    }

    @Test func whatIsNotWantedAnyMoreCloses() {
        var plan = ListenerPlan()
        _ = plan.update(to: self.state([self.check("a", 1), self.check("b", 2)]))
        #expect(plan.update(to: self.state([self.check("b", 2)])) == .init(close: [self.key("a", 1)]))
        #expect(plan.answer(port: 1) == nil)
        #expect(plan.update(to: self.state([self.check("b", 2)], [])) == .init(close: [self.key("b", 2)]))
    }

    @Test func anotherPortIsAnotherListener() {
        var plan = ListenerPlan()
        _ = plan.update(to: self.state([self.check("a", 1)]))
        let step = plan.update(to: self.state([self.check("a", 2)]))
        #expect(step == .init(close: [self.key("a", 1)], open: [self.key("a", 2)]))
    }

    @Test func theFirstByNameHoldsAPortAndThatIsSaidOnce() {
        var plan = ListenerPlan()
        let conflict = PortConflict(port: 1, service: "default/b", holder: "default/a")
        let both = [self.check("b", 1, endpoints: 7), self.check("a", 1)]
        #expect(plan.update(to: self.state(both)) == .init(open: [self.key("a", 1)], conflicts: [conflict]))
        #expect(plan.answer(port: 1)?.weight == 1)
        #expect(plan.update(to: self.state(both.reversed())) == .init())

        let step = plan.update(to: self.state([self.check("b", 1, endpoints: 7)]))
        #expect(step == .init(close: [self.key("a", 1)], open: [self.key("b", 1)]))
        #expect(plan.answer(port: 1)?.weight == 7)
    }

    @Test func namespacesComeBeforeNames() {
        var plan = ListenerPlan()
        let checks = [
            HealthCheck(namespace: "b", name: "a", port: 1, localEndpoints: 1),
            HealthCheck(namespace: "a", name: "b", port: 1, localEndpoints: 1),
        ]
        #expect(plan.update(to: self.state(checks)).open.map(\.service) == ["a/b"])
    }

    @Test(arguments: [(0, true, false), (1, true, true), (2, false, false)])
    func theAnswerIsPositiveWithEndpointsAndAHealthyProxy(endpoints: Int, isHealthy: Bool, isPositive: Bool) {
        let answer = HealthAnswer(self.check("a", 1, endpoints: endpoints), isProxyHealthy: isHealthy)
        #expect(answer.isPositive == isPositive)
        #expect(answer.weight == endpoints)
    }
}
