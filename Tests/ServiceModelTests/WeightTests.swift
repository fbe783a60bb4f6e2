import KubernetesAPI
import Networking
import ServiceModel
import TestSupport
import Testing

/// Weights of slices and zones, as shares of new connections.
@Suite struct WeightTests {
    /// The weights of endpoints 10.0.0.1 and so on, each of which has a slice of its own.
    private func shares(
        _ weights: [String?],
        zones: [String?] = [],
        zoneWeights: String? = nil
    ) throws -> [String: Int] {
        var service = Make.service("web", clusterIPs: ["10.96.0.10"])
        service.metadata.annotations[ServiceAnnotations.Key.zoneWeights] = zoneWeights
        var planner = ServicePlanner(node: NodeFacts(name: "here"))
        _ = planner.update(service.metadata.name, service: service)
        for (index, weight) in weights.enumerated() {
            var endpoint = Make.endpoint("10.0.\(index / 250).\(index % 250 + 1)")
            endpoint.zone = index < zones.count ? zones[index] : nil
            let labels = weight.map { [ServiceAnnotations.Key.weight: $0] } ?? [:]
            let slice = Make.slice("web-\(index)", of: "web", endpoints: [endpoint], labels: labels)
            _ = planner.update(slice.metadata.name, slice: slice)
        }
        let route = try #require(planner.plan(for: service.metadata.name)?.frontends.first?.route)
        return Dictionary(uniqueKeysWithValues: route.backends.map { ("\($0.backend.address)", $0.weight) })
    }

    @Test func withoutWeightsAllAreEqual() throws {
        #expect(try self.shares([nil, nil]) == ["10.0.0.1": 1, "10.0.0.2": 1])
        #expect(try self.shares(["100", "100"]) == ["10.0.0.1": 1, "10.0.0.2": 1])
    }

    @Test func weightsAreMadeAsSmallAsTheyCanBe() throws {
        #expect(try self.shares(["6", "2", "4"]) == ["10.0.0.1": 3, "10.0.0.2": 1, "10.0.0.3": 2])
        #expect(try self.shares(["100", nil]) == ["10.0.0.1": 100, "10.0.0.2": 1])
        #expect(try self.shares(["7", "5"]) == ["10.0.0.1": 7, "10.0.0.2": 5])
    }

    @Test func weightZeroGetsNothingUnlessAllHaveIt() throws {
        #expect(try self.shares(["0", "50", "25"]) == ["10.0.0.2": 2, "10.0.0.3": 1])
        #expect(try self.shares(["0", "0"]) == ["10.0.0.1": 1, "10.0.0.2": 1])
    }

    @Test func aWeightThatCannotBeReadIsOne() throws {
        #expect(try self.shares(["heavy", "2"]) == ["10.0.0.1": 1, "10.0.0.2": 2])
    }

    @Test func zonesMultiply() throws {
        #expect(
            try self.shares(["2", "2", nil, "3"], zones: ["a", "b", nil, "other"], zoneWeights: "a=3,b=0")
                == ["10.0.0.1": 6, "10.0.0.3": 1, "10.0.0.4": 3])
    }

    /// As many shares as there are slots of one frontend, and every endpoint still has one.
    @Test func sharesAreBounded() throws {
        let weights = ["1"] + (0..<999).map { $0 % 2 == 0 ? "100" : "99" }
        let shares = try self.shares(weights)
        #expect(shares.count == 1000)
        #expect(shares.values.reduce(0, +) <= WeightedBackend.maximumShares + 1000)
        #expect(shares["10.0.0.1"] == 1)
        let heavy = try #require(shares["10.0.0.2"])
        #expect((64...67).contains(heavy), "65,536 shares for a thousand endpoints")
    }
}
