import AdminAPI
import Testing
import Traces

/// What `fairlead get` makes of the lists of the ingress role.
@Suite struct IngressItemTests {
    private static func document(_ kind: String, _ items: String) -> [UInt8] {
        Array(#"{"apiVersion":"admin.fairlead.dev/v1","kind":"\#(kind)","generation":7,"items":[\#(items)]}"#.utf8)
    }

    @Test func `routes in columns`() throws {
        let routes = try RouteItem.list(
            json: Self.document(
                "RouteList",
                """
                {"host":"","path":"/","pathType":"Prefix","default":true,"backend":"a/all:80","state":"available","sslRedirect":false,"clientCertificate":false,"accessLog":false,
                 "requests":12,"serverErrors":1,"p50Milliseconds":2,"p99Milliseconds":16},
                {"host":"shop.example","path":"/cart","pathType":"Exact","ingress":"shop/web","default":false,"state":"resource-backend","sslRedirect":true,
                 "clientCertificate":true,"accessLog":false,"new":{"member":[1]}}
                """))
        #expect(
            RouteItem.table(routes, isWide: true) == """
                HOST           PATH        TYPE     INGRESS    BACKEND    STATE              HTTPS-REDIRECT   CLIENT-CERTIFICATE   REQUESTS   5XX   P50     P99
                *              <default>   Prefix   <none>     a/all:80   available          no               no                   12         1     <=2ms   <=16ms
                shop.example   /cart       Exact    shop/web   <none>     resource-backend   yes              yes                  -          -     -       -

                """)
        #expect(
            RouteItem.table(routes, isWide: false).hasPrefix(
                "HOST           PATH        TYPE     INGRESS    BACKEND    STATE\n"))
        #expect(routes.map(\.name) == ["route/*/", "route/shop.example/cart"])
    }

    @Test func `certificates and problems`() throws {
        let certificates = try CertificateItem.list(
            json: Self.document(
                "CertificateList",
                """
                {"secret":"shop/gone","default":false,"state":"missing","hosts":["shop.example"]},
                {"default":true,"state":"valid","hosts":[],"names":["fairlead.invalid"],"issuer":"CN=x","key":"P-256","notAfter":"2027-01-01T00:00:00Z"}
                """))
        #expect(certificates.map { $0.cells[0] } == ["shop/gone", "<generated>"])
        #expect(
            certificates[0].cells == [
                "shop/gone", "missing", "<none>", "shop.example", "<none>", "no", "<none>", "<none>", "<none>",
            ])
        #expect(certificates[1].name == "certificate/<generated>")
        let problems = try ProblemItem.list(
            json: Self.document(
                "ProblemList", #"{"object":"Ingress a/b","severity":"error","reason":"PathConflict","message":"held"}"#)
        )
        #expect(problems.map(\.cells) == [["Ingress a/b", "error", "PathConflict", "held"]])
        #expect(problems[0].name == "problem/Ingress a/b/PathConflict")
    }

    @Test(arguments: [
        "", "{}", #"{"apiVersion":"admin.fairlead.dev/v2","kind":"RouteList","items":[]}"#,
        #"{"apiVersion":"admin.fairlead.dev/v1","kind":"ProblemList","items":[]}"#,
        #"{"apiVersion":"admin.fairlead.dev/v1","kind":"RouteList","items":[{}]}"#,
        #"{"apiVersion":"admin.fairlead.dev/v1","kind":"RouteList","items":[{"default":1}]}"#,
        #"{"apiVersion":"admin.fairlead.dev/v1","kind":"RouteList","items":[{"default":falsy}]}"#,
    ])
    func `what is no such list is refused`(text: String) {
        #expect(throws: APIFailure.self) { try RouteItem.list(json: Array(text.utf8)) }
    }

    @Test func `a query narrows a list by what it is about`() throws {
        #expect(
            ObjectQuery(.routes, namespace: "shop", name: "a.example").target
                == "/v1/routes?namespace=shop&host=a.example")
        #expect(try ObjectQuery(.certificates, query: "secret=tls").name == "tls")
        #expect(throws: APIFailure.self) { try ObjectQuery(.certificates, query: "host=a") }
        #expect(throws: APIFailure.self) { try ObjectQuery(.problems, query: "object=a&object=b") }
    }

    @Test func `what is to be followed`() throws {
        let query = try TraceQuery(query: "url=https%3A%2F%2Fa.example%2Fx%3Fy")
        guard case .request(let request) = query else {
            Issue.record("\(query)")
            return
        }
        #expect(request.isSecure && request.authority == "a.example" && request.target == "/x?y")
        #expect(query.target == "/v1/trace?url=https%3A%2F%2Fa.example%2Fx%3Fy")
        let packet = try TraceQuery(query: "from=10.0.0.1&to=10.96.0.10&port=80&interface=eth0")
        #expect(try TraceQuery(query: String(packet.target.dropFirst("/v1/trace?".count))) == packet)
        for wrong in [
            "", "url=a", "url=http://a/&port=80", "from=10.0.0.1&to=10.0.0.2&port=x", "from=10.0.0.1&to=::1&port=80",
        ] {
            #expect(throws: APIFailure.self, "\(wrong)") { try TraceQuery(query: wrong) }
        }
    }
}
