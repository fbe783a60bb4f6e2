import Testing

/// `deploy/monitoring`: rules for Prometheus and a dashboard for Grafana. That the metrics exist is tested end to end (`BothRolesTests`).
@Suite struct MonitoringTests {
    @Test func `every rule has a condition, a time, a severity, and says what to do`() throws {
        let documents = try ManifestTree.documents(DeployTests.text("deploy/monitoring/alerts.yaml"))
        let rules = try #require(documents.first)["groups"]?.items.flatMap { $0["rules"]?.items ?? [] } ?? []
        #expect(rules.count >= 10)
        var names: Set<String> = []
        for rule in rules {
            let name = try #require(rule["alert"]?.text)
            #expect(names.insert(name).inserted, "\(name) is there twice")
            for path in ["expr", "for", "annotations.summary", "annotations.description"] {
                #expect(rule.at(path)?.text?.isEmpty == false, "\(name): \(path)")
            }
            #expect(["critical", "warning"].contains(rule.at("labels.severity")?.text), "\(name)")
        }
    }

    @Test func `every panel has its place, its number and a question`() throws {
        let dashboard = try #require(
            try ManifestTree.documents(DeployTests.text("deploy/monitoring/dashboard.json")).first)
        let panels = dashboard["panels"]?.items ?? []
        #expect(panels.count >= 15)
        var numbers: Set<String> = []
        var taken: Set<[Int]> = []
        for panel in panels {
            let title = try #require(panel["title"]?.text)
            #expect(numbers.insert(try #require(panel["id"]?.text)).inserted, "\(title)")
            let place = try ["x", "y", "w", "h"].map {
                try #require(panel.at("gridPos.\($0)")?.text.flatMap { Int($0) })
            }
            #expect(place[0] + place[2] <= 24, "\(title)")
            for row in place[1]..<place[1] + place[3] {
                for column in place[0]..<place[0] + place[2] {
                    #expect(taken.insert([row, column]).inserted, "\(title) is on top of another one")
                }
            }
            guard panel["type"]?.text != "row" else { continue }
            let targets = panel["targets"]?.items ?? []
            #expect(!targets.isEmpty && targets.allSatisfy { $0["expr"]?.text?.isEmpty == false }, "\(title)")
        }
    }
}
