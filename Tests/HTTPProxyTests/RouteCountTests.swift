import KubernetesAPI
import Routing
import Testing

@testable import HTTPProxy

/// What requests came to, by route.
@Suite struct RouteCountTests {
    @Test(arguments: [
        (UInt64(0), 0), (1, 1), (2, 2), (3, 2), (4, 3), (7, 3), (8, 4), (16_383, 14), (16_384, 15), (.max, 15),
    ])
    func `buckets double`(milliseconds: UInt64, bucket: Int) {
        #expect(LatencyBuckets.index(milliseconds) == bucket)
        if bucket < LatencyBuckets.bounds.count {
            #expect(Double(milliseconds) / 1_000 < LatencyBuckets.bounds[bucket])
        }
        if bucket > 0 { #expect(Double(milliseconds) / 1_000 >= LatencyBuckets.bounds[bucket - 1]) }
    }

    @Test func `quantiles are bounds of buckets`() {
        var tally = RequestTally()
        #expect(self.report(tally).quantile(0.5) == nil)
        for _ in 0..<98 { tally.count(digit: 2, milliseconds: 0) }
        tally.count(digit: 5, milliseconds: 3)
        tally.count(digit: 2, milliseconds: 100_000)
        let report = self.report(tally)
        #expect(report.quantile(0.5) == 1)
        #expect(report.quantile(0.98) == 1)
        #expect(report.quantile(0.99) == 4)
        #expect(report.quantile(1) == nil, "longer than the last bound")
        #expect(report.requests == 100)
        #expect(report.answers[5] == 1)
        #expect(report.seconds == 100.003)
    }

    private func report(_ tally: RequestTally) -> RequestReport {
        var report = RequestReport()
        report.add(tally)
        return report
    }

    @Test func `a place with a new owner begins at nothing, and what was begun before is not the new one's`() {
        let cluster = MeteredCluster()
        var counts = RouteCounts()
        let first = cluster.meters("/x")
        counts.adopt(first)
        let old = RouteMeter(place: UInt16(RouteMeter.firstOwn))
        counts.count(old, digit: 2, milliseconds: 1)
        counts.count(.unrouted, digit: 4, milliseconds: 1)
        #expect(counts.places[RouteMeter.firstOwn].tally.answers[2] == 1)
        // The same plan once more changes nothing.
        counts.adopt(first)
        #expect(counts.places[RouteMeter.firstOwn].tally.answers[2] == 1)
        let second = cluster.meters("/y")
        let new = RouteMeter(place: old.place, generation: second.places[0].generation)
        #expect(new != old)
        counts.adopt(second)
        counts.count(old, digit: 2, milliseconds: 1)
        #expect(counts.places[RouteMeter.firstOwn].tally.answers[2] == 0)
        counts.count(new, digit: 5, milliseconds: 1)
        // A worker that knows the owner before only counts for nobody.
        var late = RouteCounts()
        late.adopt(first)
        late.count(old, digit: 2, milliseconds: 1)
        let report = RouteReport([counts.places, late.places], second)
        #expect(report.routes.values.map(\.answers) == [[0, 0, 0, 0, 0, 1]])
        #expect(report.unrouted.answers[4] == 1)
        #expect(report.others.requests == 0)
    }
}

/// A planner with one route.
private final class MeteredCluster {
    private var planner = IngressPlanner()

    /// Those of a plan in which the one route has this path.
    func meters(_ path: String) -> RouteMeters {
        let name = ObjectName(namespace: "ns", name: "web")
        self.planner.apply(
            ObjectKey(kind: .ingressClass, name: ObjectName(namespace: "", name: "fairlead")),
            .ingressClass(
                IngressClass(
                    metadata: ObjectMeta(name: ObjectName(namespace: "", name: "fairlead")),
                    controller: "fairlead.dev/ingress-controller")))
        self.planner.apply(
            ObjectKey(kind: .ingress, name: name),
            .ingress(
                Ingress(
                    metadata: ObjectMeta(name: name), ingressClassName: "fairlead",
                    rules: [
                        IngressRule(
                            host: "a.example",
                            paths: [
                                IngressPath(path: path, backend: .service(name: "s", port: .number(80)))
                            ])
                    ])))
        return self.planner.plan().meters
    }
}
