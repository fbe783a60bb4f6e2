import KubernetesAPI
import Routing
import Testing

/// What Ingresses ask for by annotations.
@Suite struct AnnotationTests {
    private static func cluster(_ annotations: [String: String], path: String = "/") -> Cluster {
        var cluster = Cluster()
        cluster.addServices("s")
        cluster.add(
            Make.ingress(
                "web", annotations: annotations,
                [IngressRule(host: "a.example", paths: [Make.path(path, "s")])]))
        return cluster
    }

    private static func settings(_ annotations: [String: String]) -> RouteSettings {
        var cluster = Self.cluster(annotations)
        return cluster.settings("a.example") ?? RouteSettings()
    }

    @Test func defaults() {
        let settings = Self.settings([:])
        #expect(settings == RouteSettings())
        #expect(settings.connectTimeout == 5_000 && settings.readTimeout == 60_000 && settings.sendTimeout == 60_000)
        #expect(settings.maximumTries == 3 && settings.maximumBodySize == 0 && !settings.writesAccessLog)
    }

    @Test func theDefaultsAreTheOperators() {
        var options = IngressPlannerOptions()
        options.settings.readTimeout = 1_234
        options.settings.writesAccessLog = true
        var cluster = Cluster(options)
        cluster.add(Make.ingress("web", [IngressRule(host: "a.example", paths: [Make.path("/", "s")])]))
        #expect(cluster.settings("a.example")?.readTimeout == 1_234)
        #expect(cluster.settings("a.example")?.writesAccessLog == true)
    }

    @Test(arguments: [
        ("60", UInt32(60_000)), ("60s", 60_000), ("1500ms", 1_500), ("5m", 300_000), ("24h", 86_400_000),
        ("86400", 86_400_000), ("1ms", 1),
    ])
    func timeouts(text: String, milliseconds: UInt32) {
        #expect(Self.settings(["proxy-read-timeout": text]).readTimeout == milliseconds)
        #expect(Self.settings(["proxy-send-timeout": text]).sendTimeout == milliseconds)
        #expect(Self.settings(["proxy-connect-timeout": text]).connectTimeout == milliseconds)
    }

    @Test(arguments: [
        ("0", UInt64(0)), ("1", 1), ("8m", 8 << 20), ("8M", 8 << 20), ("512k", 512 << 10), ("2g", 2 << 30),
    ])
    func sizes(text: String, bytes: UInt64) {
        #expect(Self.settings(["proxy-body-size": text]).maximumBodySize == bytes)
    }

    /// A bad value counts as none, is named with its annotation, and everything else stands.
    @Test(arguments: [
        ("proxy-read-timeout", "0"), ("proxy-read-timeout", "-1"), ("proxy-read-timeout", "1d"),
        ("proxy-read-timeout", "25h"), ("proxy-read-timeout", ""), ("proxy-read-timeout", "99999999999999999999"),
        ("proxy-body-size", "8mb"), ("proxy-body-size", "m"), ("proxy-body-size", "99999999999g"),
        ("proxy-body-size", "1.5m"), ("proxy-body-size", "٣"), ("ssl-redirect", "yes"),
        ("proxy-next-upstream-tries", "0"), ("proxy-next-upstream-tries", "17"), ("enable-access-log", "1"),
        ("backend-protocol", "FCGI"), ("backend-protocol", "AUTO_HTTP"), ("backend-protocol", ""),
        ("load-balance", "ewma"), ("maximum-requests-per-endpoint", "-1"),
        ("affinity", "ip"), ("force-ssl-redirect", "on"), ("auth-tls-verify-client", "on"), ("affinity", "header"),
    ])
    func badValues(name: String, value: String) {
        var cluster = Self.cluster([name: value, "proxy-send-timeout": "7"])
        let plan = cluster.planner.plan()
        #expect(plan.problems.map(\.code) == [.invalidAnnotation])
        #expect(plan.problems.first?.message.contains("fairlead.dev/\(name)") == true)
        var expected = RouteSettings()
        expected.sendTimeout = 7_000
        #expect(cluster.settings("a.example") == expected)
    }

    @Test func anUnknownNameIsReported() {
        var cluster = Self.cluster(["proxy-read-timeuot": "60"])
        #expect(cluster.problems() == ["UnknownAnnotation web"])
    }

    @Test func whatUsersWriteIsCutAndCleaned() {
        var cluster = Self.cluster(["proxy-body-size": "\u{1b}[31m" + String(repeating: "x", count: 5_000)])
        let message = cluster.planner.plan().problems.first?.message ?? ""
        #expect(message.utf8.count < 250 && !message.contains("\u{1b}"))
    }

    @Test func otherSettings() {
        let settings = Self.settings(["proxy-next-upstream-tries": "5", "enable-access-log": "true"])
        #expect(settings.maximumTries == 5 && settings.writesAccessLog)
    }

    // MARK: - Affinity

    private static func affinity(_ annotations: [String: String], path: String = "/shop") -> (
        RouteAffinity, name: String, attributes: String
    ) {
        var cluster = Self.cluster(annotations, path: path)
        let plan = cluster.planner.plan()
        let affinity = cluster.settings("a.example", path)?.affinity ?? .none
        func text(_ range: TextRange) -> String { String(decoding: plan.routes.text[range.bounds], as: UTF8.self) }
        return (affinity, text(affinity.name), text(affinity.attributes))
    }

    @Test func aCookie() {
        let (affinity, name, attributes) = Self.affinity(["affinity": "cookie"])
        #expect(affinity.kind == .cookie && affinity.security == .likeRequest)
        #expect(name == "INGRESSCOOKIE" && attributes == "; Path=/shop; HttpOnly")
    }

    @Test func aCookieWithEverything() {
        let (affinity, name, attributes) = Self.affinity([
            "affinity": "cookie", "session-cookie-name": "route", "session-cookie-path": "/x",
            "session-cookie-domain": "foo.com", "session-cookie-max-age": "172800", "session-cookie-samesite": "Lax",
            "session-cookie-secure": "true",
        ])
        #expect(affinity.kind == .cookie && affinity.security == .always)
        #expect(name == "route")
        #expect(attributes == "; Path=/x; Domain=foo.com; Max-Age=172800; SameSite=Lax; HttpOnly")
        #expect(Self.affinity(["affinity": "cookie", "session-cookie-secure": "false"]).0.security == .never)
    }

    /// Nothing that a user writes gets out of the attribute that it is for.
    @Test(arguments: [
        ("session-cookie-name", "a b"), ("session-cookie-name", "a=b"), ("session-cookie-name", "a\r\nSet-Cookie: x"),
        ("session-cookie-path", "/x; Domain=evil"), ("session-cookie-path", "/x\r\nX: y"), ("session-cookie-path", "x"),
        ("session-cookie-domain", "a; b"), ("session-cookie-samesite", "lax"), ("session-cookie-max-age", "1d"),
        ("session-cookie-secure", "maybe"),
    ])
    func badCookies(name: String, value: String) {
        let (_, cookie, attributes) = Self.affinity(["affinity": "cookie", name: value])
        #expect(cookie == "INGRESSCOOKIE" && attributes == "; Path=/shop; HttpOnly")
    }

    @Test func aHeader() {
        let (affinity, name, attributes) = Self.affinity(["affinity": "header", "affinity-header": "X-User"])
        #expect(affinity.kind == .header && name == "x-user" && attributes.isEmpty)
    }

    @Test func sessionsMoveOnFailureWhereAskedFor() {
        var cluster = Self.cluster(["affinity": "cookie", "session-cookie-change-on-failure": "true"])
        #expect(cluster.backend("a.example")?.settings.sessionsMoveOnFailure == true)
    }

    /// Two routes of one host, each with its own cookie path, and the ranges of a second host.
    @Test func eachRouteHasItsOwnText() {
        var cluster = Cluster()
        cluster.addServices("s")
        for host in ["a.example", "b.example"] {
            cluster.add(
                Make.ingress(
                    host, annotations: ["affinity": "cookie", "session-cookie-name": "c-\(host)"],
                    [IngressRule(host: host, paths: [Make.path("/one", "s"), Make.path("/two", "s")])]))
        }
        let plan = cluster.planner.plan()
        for host in ["a.example", "b.example"] {
            for path in ["/one", "/two"] {
                let affinity = cluster.settings(host, path)?.affinity ?? .none
                #expect(String(decoding: plan.routes.text[affinity.name.bounds], as: UTF8.self) == "c-\(host)")
                #expect(
                    String(decoding: plan.routes.text[affinity.attributes.bounds], as: UTF8.self)
                        == "; Path=\(path); HttpOnly")
            }
        }
    }
}
