import KubernetesAPI
import Lab
import Routing
import Testing

/// The compiled table against the rules said plainly.
@Suite struct RouteTableTests {
    private static let labels = ["a", "b", "shop", "x-1", "averyveryverylonglabel"]
    private static let elements = [
        "a", "b", "ab", "aaa", "12345678", "123456789", "1234567", "api", "v1", "checkout-page",
    ]

    private static func host(_ random: inout SeededGenerator) -> String {
        let count = Int.random(in: 1...3, using: &random)
        let name = (0..<count).map { _ in Self.labels.randomElement(using: &random) ?? "a" }.joined(separator: ".")
        return switch Int.random(in: 0..<6, using: &random) {
        case 0: ""
        case 1, 2: "*." + name
        default: name
        }
    }

    private static func path(_ random: inout SeededGenerator) -> String {
        let count = Int.random(in: 0...4, using: &random)
        let text = (0..<count).map { _ in "/" + (Self.elements.randomElement(using: &random) ?? "a") }.joined()
        return text.isEmpty || Bool.random(using: &random) && Bool.random(using: &random) ? text + "/" : text
    }

    private static func request(
        _ rules: [ReferenceMatcher.Rule], _ random: inout SeededGenerator
    ) -> (host: String, path: String) {
        var (host, path) = (Self.host(&random), Self.path(&random))
        if let rule = rules.randomElement(using: &random), Bool.random(using: &random) {
            host = rule.host
            // Near a rule: itself, below, beside, cut short.
            switch Int.random(in: 0..<6, using: &random) {
            case 0: path = rule.path
            case 1: path = rule.path + "/x"
            case 2: path = rule.path + "x"
            case 3: path = String(rule.path.dropLast())
            case 4: path = rule.path + Self.path(&random)
            default: path = String(rule.path.prefix(Int.random(in: 0...9, using: &random)))
            }
            // As requests are once they are normalised.
            while path.contains("//") { path = path.replacing("//", with: "/") }
        }
        if host.hasPrefix("*.") { host = "b" + host.dropFirst() }
        return (host, path)
    }

    /// Random tables of up to some forty rules, each asked some forty times: with secret hashes, and with ones that are
    /// all the same, so that bytes decide alone.
    @Test(arguments: 0..<10, [true, false])
    func matchesTheReference(batch: Int, collide: Bool) {
        var random = SeededGenerator(seed: UInt64(batch) << 1 | (collide ? 1 : 0))
        for _ in 0..<100 {
            let seed =
                collide
                ? RouteHash.Seed(start: 0, word: 0, end: 0)
                : RouteHash.Seed(start: random.next(), word: random.next() | 1, end: random.next() | 1)
            var cluster = Cluster(seed: seed)
            var reference = ReferenceMatcher()
            for index in 0..<Int.random(in: 1...40, using: &random) {
                let rule = ReferenceMatcher.Rule(
                    host: Self.host(&random), path: Self.path(&random),
                    isExact: Int.random(in: 0..<3, using: &random) == 0,
                    service: "s\(index)")
                reference.rules.append(rule)
                cluster.addServices(rule.service)
                cluster.add(
                    Make.ingress(
                        "i\(index)", created: Int64(index),
                        [
                            IngressRule(
                                host: rule.host,
                                paths: [Make.path(rule.path, rule.isExact ? .exact : .prefix, rule.service)])
                        ]))
            }
            let plan = cluster.planner.plan()
            for _ in 0..<40 {
                let (host, path) = Self.request(reference.rules, &random)
                let (expected, answer) = (reference.answer(host, path), Cluster.answer(plan, host, path))
                if answer != expected {
                    Issue.record(
                        "\(host) \(path): \(answer), should be \(expected), of \(reference.rules.map { "\($0)" })")
                    return
                }
            }
        }
    }

    /// What the fuzzer does, a little of it: bytes of which many are line ends and slashes.
    @Test(arguments: [true, false])
    func anyBytes(collide: Bool) {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<500 {
            let input = (0..<Int.random(in: 0...400, using: &random)).map { _ -> UInt8 in
                switch Int.random(in: 0..<8, using: &random) {
                case 0: UInt8(ascii: "\n")
                case 1, 2: UInt8(ascii: "/")
                default: UInt8.random(in: 0...255, using: &random)
                }
            }
            let difference = RouteTableProbe.difference(input, collide: collide)
            #expect(difference == nil)
        }
        #expect(RouteTableProbe.difference([], collide: collide) == nil)
    }

    /// What fuzzing began with, and everything by which it ever broke something.
    @Test(arguments: [true, false])
    func fuzzingCorpus(collide: Bool) throws {
        let inputs = try FuzzCorpus.inputs(of: "route-table")
        #expect(inputs.count > 3)
        for input in inputs {
            #expect(RouteTableProbe.difference(input.bytes, collide: collide) == nil, "\(input.name)")
        }
    }

    /// Hosts and paths whose text ends at each place of a word, in buffers that end with them and that go on.
    @Test func lengthsAroundWords() {
        for length in 1...40 {
            var cluster = Cluster()
            cluster.addServices("s")
            let host = String(repeating: "h", count: length)
            let path = "/" + String(repeating: "p", count: length)
            cluster.add(Make.ingress("web", [IngressRule(host: host, paths: [Make.path(path, "s")])]))
            let plan = cluster.planner.plan()
            let text = Array((host + path + "/rest?query and more").utf8)
            let bytes = text.span
            for (end, expected) in [(path.utf8.count, true), (path.utf8.count - 1, false), (path.utf8.count + 5, true)]
            {
                let match = plan.routes.match(
                    host: bytes.extracting(0..<length), path: bytes.extracting(length..<(length + end)))
                #expect(match.isRoute == expected && match.knowsHost)
            }
            #expect(Cluster.answer(plan, host, path) == "s")
            #expect(Cluster.answer(plan, host + "h", path) == "404")
            #expect(Cluster.answer(plan, String(host.dropLast()), path) == "404")
            #expect(Cluster.answer(plan, host, path + "p") == "404")
            #expect(Cluster.answer(plan, host, path + "/") == "s")
        }
    }

    @Test func deepAndLongRequestsEndSoon() {
        var cluster = Cluster()
        cluster.addServices("s", "root")
        cluster.add(
            Make.ingress(
                "web", [IngressRule(host: "a.example", paths: [Make.path("/a/b", "s"), Make.path("/", "root")])]))
        #expect(cluster.answer("a.example", "/a/b" + String(repeating: "/x", count: 4_000)) == "s")
        #expect(cluster.answer("a.example", "/" + String(repeating: "a", count: 8_000)) == "root")
        #expect(cluster.answer("a.example", String(repeating: "/a", count: 4_000)) == "root")
    }

    @Test func thePathOfARuleMayBeLong() {
        var cluster = Cluster()
        cluster.addServices("s")
        let longest = "/" + String(repeating: "p/", count: 2_047) + "q"
        #expect(longest.utf8.count == 4_096)
        cluster.add(
            Make.ingress(
                "web",
                [IngressRule(host: "a.example", paths: [Make.path(longest, "s"), Make.path(longest + "q", "s")])]))
        #expect(cluster.answer("a.example", longest) == "s")
        #expect(cluster.answer("a.example", longest + "/x") == "s")
        #expect(cluster.answer("a.example", longest + "q") == "404")
        #expect(cluster.problems() == ["InvalidPath web"])
    }

    @Test func tenThousandHosts() {
        var cluster = Cluster()
        cluster.addServices("s", "t")
        for index in 0..<10_000 {
            cluster.add(
                Make.ingress(
                    "i\(index)",
                    [
                        IngressRule(
                            host: "h\(index).example",
                            paths: [Make.path("/", "s"), Make.path("/only-\(index)", "t")])
                    ]))
        }
        let plan = cluster.planner.plan()
        #expect(plan.routes.count == 20_000)
        for index in stride(from: 0, to: 10_000, by: 37) {
            #expect(Cluster.answer(plan, "h\(index).example", "/x") == "s")
            #expect(Cluster.answer(plan, "h\(index).example", "/only-\(index)/x") == "t")
            #expect(Cluster.answer(plan, "h\(index).example", "/only-\(index + 1)") == "s")
        }
        #expect(Cluster.answer(plan, "h10000.example", "/") == "404")
    }

    @Test func theEmptyTable() {
        #expect(RouteTable.empty.count == 0)
        let bytes = Array("a.example/".utf8)
        let match = RouteTable.empty.match(host: bytes.span.extracting(0..<9), path: bytes.span.extracting(9..<10))
        #expect(!match.isRoute && !match.knowsHost)
    }

    @Test func whatARouteIs() {
        var cluster = Cluster()
        cluster.addServices("s")
        cluster.add(
            Make.ingress(
                "shop/web", default: Make.to("d"),
                [IngressRule(host: "*.Foo.com", paths: [Make.path("/a%2fb/", .exact, "s")])]))
        let plan = cluster.planner.plan()
        #expect(
            plan.routes.routes == [
                Route(
                    ingress: Make.name("shop/web"), host: "*.foo.com", path: "/", pathType: .prefix, isDefault: true,
                    backend: BackendID(service: Make.name("shop/d"), port: .number(80))),
                Route(
                    ingress: Make.name("shop/web"), host: "*.foo.com", path: "/a%2fb/", pathType: .exact,
                    backend: BackendID(service: Make.name("shop/s"), port: .number(80))),
            ])
        #expect((0..<2).map { plan.routes.route($0) } == plan.routes.routes)
    }
}
