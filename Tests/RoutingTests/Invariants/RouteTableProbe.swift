import KubernetesAPI
import Routing

/// Any bytes as some rules and requests for them, put to the compiled table and to the plain reference. For fuzzing, and for
/// the inputs that fuzzing has found; compiled into both.
///
/// Lines, by their first byte: an even one is a rule, an odd one a request. Bit 1 makes a rule Exact. What follows is a host
/// up to the first slash, and a path. Bytes are mapped to few characters, so that rules and requests meet.
enum RouteTableProbe {
    private static let hostCharacters = Array("ab.ab*-1".utf8)
    private static let pathCharacters = Array("ab/cd/12345678-~".utf8)
    private static let ruleLimit = 64

    /// What the table answers otherwise than the reference; nil if nothing. `collide` makes all hashes equal.
    static func difference(_ input: some Sequence<UInt8>, collide: Bool) -> String? {
        let seed =
            collide
            ? RouteHash.Seed(start: 0, word: 0, end: 0) : RouteHash.Seed(start: 0x9e37, word: 0x79b9, end: 0x7f4b)
        var planner = IngressPlanner(seed: seed)
        let ours = IngressClass(
            metadata: ObjectMeta(name: ObjectName(namespace: "", name: "c")), controller: planner.options.controller)
        planner.apply(KubernetesObject.ingressClass(ours).key, .ingressClass(ours))
        var reference = ReferenceMatcher()
        var requests: [(host: String, path: String)] = []
        for line in Array(input).split(separator: UInt8(ascii: "\n")) {
            guard let kind = line.first else { continue }
            let (host, path) = Self.hostAndPath(line.dropFirst())
            if kind & 1 == 1 {
                requests.append((host, path))
            } else if reference.rules.count < Self.ruleLimit, Self.isRule(host, path) {
                let rule = ReferenceMatcher.Rule(
                    host: host, path: path, isExact: kind & 2 == 2, service: "s\(reference.rules.count)")
                let ingress = Self.ingress(rule, age: Int64(reference.rules.count))
                planner.apply(KubernetesObject.ingress(ingress).key, .ingress(ingress))
                reference.rules.append(rule)
            }
        }
        let plan = planner.plan()
        requests += reference.rules.map { ($0.host, $0.path) }
        for (host, path) in requests {
            let expected = reference.answer(host, path)
            let (hostBytes, pathBytes) = (Array(host.utf8), Array(path.utf8))
            let match = plan.routes.match(host: hostBytes.span, path: pathBytes.span)
            let answer = match.isRoute ? plan.routes.route(match.route).backend?.service.name ?? "none" : "404"
            if answer != expected { return "\(host) \(path): \(answer), should be \(expected): \(reference.rules)" }
        }
        return nil
    }

    private static func hostAndPath(_ line: some Collection<UInt8>) -> (String, String) {
        let slash = line.firstIndex(of: UInt8(ascii: "/")) ?? line.endIndex
        let host = line[..<slash].map { Self.hostCharacters[Int($0) % Self.hostCharacters.count] }
        let path = line[slash...].map { byte in
            byte == UInt8(ascii: "/") ? byte : Self.pathCharacters[Int(byte) % Self.pathCharacters.count]
        }
        return (String(decoding: host, as: UTF8.self), String(decoding: path, as: UTF8.self))
    }

    /// Whether the planner takes it: the reference knows nothing of what is left out.
    private static func isRule(_ host: String, _ path: String) -> Bool {
        let name = host.hasPrefix("*.") ? host.dropFirst(2) : host[...]
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        let isHost =
            host.isEmpty
            || !name.contains("*") && host.utf8.count <= 253
                && labels.allSatisfy {
                    !$0.isEmpty && $0.utf8.count <= 63 && $0.first != "-" && $0.last != "-"
                }
                && !(labels.count == 4 && labels[3].allSatisfy { $0 == "1" })
        return isHost && path.hasPrefix("/") && !path.contains("//") && path.utf8.count <= 4_096
    }

    private static func ingress(_ rule: ReferenceMatcher.Rule, age: Int64) -> Ingress {
        Ingress(
            metadata: ObjectMeta(
                name: ObjectName(namespace: "n", name: rule.service), creationTimestamp: age),
            ingressClassName: "c",
            rules: [
                IngressRule(
                    host: rule.host,
                    paths: [
                        IngressPath(
                            path: rule.path, pathType: rule.isExact ? .exact : .prefix,
                            backend: .service(name: rule.service, port: .number(80)))
                    ])
            ])
    }
}
