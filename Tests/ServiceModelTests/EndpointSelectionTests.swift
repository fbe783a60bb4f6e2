import KubernetesAPI
import Networking
import ServiceModel
import TestSupport
import Testing

/// Which endpoints take new connections (KEP-1669, Cluster policy).
@Suite struct EndpointSelectionTests {
    private func backends(_ slices: [EndpointSlice], port: ServicePort = ServicePort(name: "http", port: 80))
        -> [String]
    {
        var planner = ServicePlanner(node: NodeFacts(name: "here"))
        _ = planner.update(Make.name("web"), service: Make.service("web", clusterIPs: ["10.96.0.10"], ports: [port]))
        for slice in slices { _ = planner.update(slice.metadata.name, slice: slice) }
        return planner.plan(for: Make.name("web"))?.frontends.first?.backends.map { "\($0.address):\($0.port)" } ?? []
    }

    @Test func readyOnesServe() {
        let slice = Make.slice("a", of: "web", endpoints: [Make.endpoint("10.0.0.2"), Make.endpoint("10.0.0.1")])
        #expect(self.backends([slice]) == ["10.0.0.1:8080", "10.0.0.2:8080"])
    }

    /// (ready, serving, terminating) of one endpoint beside a ready one, and alone.
    @Test(arguments: [
        (true, true, false, true, true), (true, true, true, true, true), (false, true, false, false, false),
        (false, true, true, false, true), (false, false, true, false, false), (false, false, false, false, false),
    ])
    func conditionsDecide(ready: Bool, serving: Bool, terminating: Bool, beside: Bool, alone: Bool) {
        let endpoint = Make.endpoint("10.0.0.1", ready: ready, serving: serving, terminating: terminating)
        let both = Make.slice("a", of: "web", endpoints: [endpoint, Make.endpoint("10.0.0.9")])
        #expect(self.backends([both]).contains("10.0.0.1:8080") == beside)
        #expect(self.backends([Make.slice("a", of: "web", endpoints: [endpoint])]).isEmpty == !alone)
    }

    @Test func anEndpointInTwoSlicesCountsOnceAndReadyBeatsTerminating() {
        let old = Make.endpoint("10.0.0.1", ready: false, terminating: true)
        let new = Make.endpoint("10.0.0.1")
        for (first, second) in [(old, new), (new, old)] {
            let slices = [
                Make.slice("a", of: "web", endpoints: [first]),
                Make.slice("b", of: "web", endpoints: [second, Make.endpoint("10.0.0.2")]),
            ]
            #expect(self.backends(slices) == ["10.0.0.1:8080", "10.0.0.2:8080"])
        }
    }

    /// A new Pod has got the address of one that is going: what is true of the new one counts, ready or not.
    @Test func anEntryThatIsNotTerminatingBeatsOneThatIs() {
        let old = Make.endpoint("10.0.0.1", ready: false, terminating: true)
        let new = Make.endpoint("10.0.0.1", ready: false, serving: false)
        for (first, second) in [(old, new), (new, old)] {
            let slices = [
                Make.slice("a", of: "web", endpoints: [first]), Make.slice("b", of: "web", endpoints: [second]),
            ]
            #expect(self.backends(slices).isEmpty)
        }
    }

    @Test func theHigherWeightOfTwoEntriesCounts() {
        let weights = ["2", "5"].map { weight in
            Make.slice(
                weight, of: "web", endpoints: [Make.endpoint("10.0.0.1")],
                labels: [ServiceAnnotations.Key.weight: weight])
        }
        #expect(self.backends(weights) == ["10.0.0.1:8080"])
    }

    @Test func slicePortsAreMatchedByNameAndProtocol() {
        let slice = Make.slice(
            "a", of: "web", endpoints: [Make.endpoint("10.0.0.1")],
            ports: [
                EndpointPort(name: "http", transport: .udp, port: 1), EndpointPort(name: "", transport: .tcp, port: 2),
                EndpointPort(name: "http", transport: .tcp, port: 3),
            ])
        #expect(self.backends([slice]) == ["10.0.0.1:3"])
        #expect(self.backends([slice], port: ServicePort(name: "", port: 80)) == ["10.0.0.1:2"])
        #expect(self.backends([slice], port: ServicePort(name: "http", transport: .udp, port: 80)) == ["10.0.0.1:1"])
        #expect(self.backends([slice], port: ServicePort(name: "other", port: 80)).isEmpty)
    }

    @Test func twoSlicesMayLeadOnePortToDifferentPorts() {
        let slices = [
            Make.slice("a", of: "web", endpoints: [Make.endpoint("10.0.0.1")]),
            Make.slice(
                "b", of: "web", endpoints: [Make.endpoint("10.0.0.1")],
                ports: [EndpointPort(name: "http", transport: .tcp, port: 9090)]),
        ]
        #expect(self.backends(slices) == ["10.0.0.1:8080", "10.0.0.1:9090"])
    }

    @Test func headlessAndForeignSlicesAreLeftOut() {
        let headless = Make.slice(
            "a", of: "web", endpoints: [Make.endpoint("10.0.0.1")], labels: ["service.kubernetes.io/headless": ""])
        let other = Make.slice("b", of: "other", endpoints: [Make.endpoint("10.0.0.2")])
        let ipv6 = Make.slice("c", of: "web", family: .ipv6, endpoints: [Make.endpoint("fd00::1")])
        #expect(self.backends([headless, other, ipv6]).isEmpty)
    }
}
