import FakeAPIServer
import KubernetesAPI
import KubernetesWire
import Testing

/// Who is let in, and what is written.
@Suite struct AccessTests {
    @Test(arguments: ["--http2", "--http1.1"])
    func onlyThoseWithATokenOrACertificateGetIn(version: String) async throws {
        try await withServer { server in
            var curl = Curl(server: server, token: nil, version: version)
            let answer = try curl.request("/api/v1/services")
            #expect(answer.code == 401)
            #expect(answer.body.contains(#""message":"Unauthorized","reason":"Unauthorized","code":401"#))
            curl.usesCertificate = true
            #expect(try curl.request("/api/v1/services").code == 200)
            curl = Curl(server: server, version: version)
            #expect(try curl.request("/api/v1/services").code == 200)
            try await server.configure { $0.tokens = ["new"] }
            #expect(try curl.request("/api/v1/services").code == 401)
            curl.token = "new"
            #expect(try curl.request("/api/v1/services").code == 200)
            #expect(try await server.counts().unauthorized == 2)
        }
    }

    @Test func whatIsForbiddenSaysWhat() async throws {
        var configuration = FakeAPIServerConfiguration()
        configuration.forbidden = [.init(verb: "list", resource: .services), .init(resource: .leases)]
        try await withServer(configuration) { server in
            let curl = Curl(server: server)
            let list = try curl.request("/api/v1/services")
            #expect(list.code == 403)
            let status = APIStatus(body: Array(list.body.utf8), contentType: "application/json", code: 403)
            let user = "system:serviceaccount:kube-system:fairlead"
            #expect(
                status.message
                    == "services is forbidden: User \"\(user)\" cannot list resource \"services\" in API group "
                    + "\"\" at the cluster scope"
            )
            let lease = try curl.request("/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/a")
            #expect(
                APIStatus(body: Array(lease.body.utf8), contentType: "application/json", code: 403).message
                    == "leases.coordination.k8s.io \"a\" is forbidden: User \"\(user)\" cannot get resource \"leases\" in "
                    + "API group \"coordination.k8s.io\" in the namespace \"kube-system\""
            )
            #expect(try curl.request("/api/v1/nodes").code == 200)
        }
    }

    private static let leases = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"

    private static func lease(version: String = "", holder: String, renewTime: String = "2026-01-01T00:00:00.000001Z")
        -> String
    {
        #"{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"a","resourceVersion":"\#(version)"},"#
            + #""spec":{"holderIdentity":"\#(holder)","leaseDurationSeconds":15,"renewTime":"\#(renewTime)"}}"#
    }

    @Test func aLeaseIsTakenByOne() async throws {
        try await withServer { server in
            let curl = Curl(server: server)
            let created = try curl.request(Self.leases, method: "POST", body: Self.lease(holder: "x"))
            #expect(created.code == 201)
            let lease = try Lease(decoding: Array(created.body.utf8), format: .json)
            #expect(lease.resourceVersion == "1001" && lease.name.description == "kube-system/a" && !lease.uid.isEmpty)
            let again = try curl.request(Self.leases, method: "POST", body: Self.lease(holder: "y"))
            #expect(again.code == 409)
            #expect(
                again.body.contains(
                    #""message":"leases.coordination.k8s.io \"a\" already exists","reason":"AlreadyExists""#))
            let renewed = try curl.request(
                Self.leases + "/a", method: "PUT", body: Self.lease(version: "1001", holder: "x"))
            #expect(renewed.code == 200)
            let late = try curl.request(
                Self.leases + "/a", method: "PUT", body: Self.lease(version: "1001", holder: "y"))
            #expect(late.code == 409)
            #expect(late.body.contains("Operation cannot be fulfilled on leases.coordination.k8s.io"))
            #expect(late.body.contains("the object has been modified; please apply your changes to the latest version"))
            #expect(late.body.contains(#""reason":"Conflict""#))
            let digits = Self.lease(holder: "x", renewTime: "2026-01-01T00:00:00Z")
            #expect(try curl.request(Self.leases + "/a", method: "PUT", body: digits).code == 400)
            #expect(try curl.request(Self.leases + "/a", method: "DELETE").body.contains(#""status":"Success""#))
            #expect(try curl.request(Self.leases + "/a").code == 404)
            #expect(try await server.counts()["update", .leases] == 3)
        }
    }

    @Test func whatFairleadWritesIsTaken() async throws {
        try await withServer { server in
            let lease = Lease(
                name: ObjectName(namespace: "kube-system", name: "a"),
                holderIdentity: "x",
                leaseDurationSeconds: 15,
                renewTime: MicroTime(microsecondsSince1970: 1_767_225_600_000_000)
            )
            let body = String(decoding: try lease.encoded(as: .json), as: UTF8.self)
            #expect(try Curl(server: server).request(Self.leases, method: "POST", body: body).code == 201)
            var event = Self.event
            let path = "/apis/events.k8s.io/v1/namespaces/shop/events"
            let written = String(decoding: try event.encoded(as: .json), as: UTF8.self)
            #expect(try Curl(server: server).request(path, method: "POST", body: written).code == 201)
            #expect(try await server.names(.events) == ["shop/web.1"])
            event.name = ObjectName(namespace: "shop", name: "web.2")
            event.action = ""
            let incomplete = String(decoding: try event.encoded(as: .json), as: UTF8.self)
            let refused = try Curl(server: server).request(path, method: "POST", body: incomplete)
            #expect(refused.code == 422)
            #expect(refused.body.contains(#"Event \"web.2\" is invalid: action: Required value"#))
        }
    }

    private static let event = ClusterEvent(
        name: ObjectName(namespace: "shop", name: "web.1"),
        regarding: ObjectReference(ObjectKey(kind: .service, name: ObjectName(namespace: "shop", name: "web"))),
        reason: "FailedToStartServiceHealthcheck",
        action: "StartServiceHealthcheck",
        note: "no",
        severity: .warning,
        reportingController: "fairlead",
        reportingInstance: "n",
        time: MicroTime(microsecondsSince1970: 1)
    )

    /// Who writes an object leaves its status as it was, and the other way round (kubernetes:
    /// pkg/registry/networking/ingress/strategy.go).
    @Test func statusAndSpecAreWrittenApart() async throws {
        func ingress(_ host: String, _ ip: String) -> String {
            #"{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"web"},"#
                + #""spec":{"rules":[{"host":"\#(host)"}]},"status":{"loadBalancer":{"ingress":[{"ip":"\#(ip)"}]}}}"#
        }
        try await withServer { server in
            let curl = Curl(server: server)
            let path = "/apis/networking.k8s.io/v1/namespaces/shop/ingresses"
            let created = try curl.request(path, method: "POST", body: ingress("a.example", "192.0.2.1"))
            #expect(created.code == 201 && created.body.contains("a.example") && !created.body.contains("192.0.2.1"))
            let status = try curl.request(path + "/web/status", method: "PUT", body: ingress("b.example", "192.0.2.2"))
            #expect(status.code == 200 && status.body.contains("a.example") && status.body.contains("192.0.2.2"))
            let updated = try curl.request(path + "/web", method: "PUT", body: ingress("c.example", "192.0.2.3"))
            #expect(updated.code == 200 && updated.body.contains("c.example") && updated.body.contains("192.0.2.2"))
            let type = "application/merge-patch+json"
            let patch = #"{"spec":{"rules":[{"host":"d.example"}]},"status":{"loadBalancer":null}}"#
            let patched = try curl.request(path + "/web", method: "PATCH", type: type, body: patch)
            #expect(patched.body.contains("d.example") && patched.body.contains("192.0.2.2"))
            for (field, wrong) in [("ip", "nonsense"), ("hostname", "192.0.2.1")] {
                let bad = #"{"status":{"loadBalancer":{"ingress":[{"\#(field)":"\#(wrong)"}]}}}"#
                let refused = try curl.request(path + "/web/status", method: "PATCH", type: type, body: bad)
                #expect(refused.code == 422)
                #expect(refused.body.contains("is invalid: status.loadBalancer.ingress[0].\(field): Invalid value"))
            }
            // Kinds without one.
            #expect(try curl.request("/apis/networking.k8s.io/v1/ingressclasses/a/status").code == 404)
            #expect(try curl.request("/api/v1/namespaces/shop/secrets/a/status").code == 404)
        }
    }

    @Test func aStatusIsPatched() async throws {
        try await withServer { server in
            try await server.apply(json: service("web"), to: .services)
            let curl = Curl(server: server)
            let path = "/api/v1/namespaces/shop/services/web/status"
            let patch = #"{"spec":{"clusterIP":"1.1.1.1"},"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}}"#
            let type = "application/merge-patch+json"
            let answer = try curl.request(path, method: "PATCH", type: type, body: patch)
            #expect(answer.code == 200)
            #expect(answer.body.contains(#""status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}"#))
            #expect(
                answer.body.contains(#""clusterIP":"10.96.0.10""#) && answer.body.contains(#""resourceVersion":"1002""#)
            )
            let old = #"{"metadata":{"resourceVersion":"1001"},"status":{"loadBalancer":null}}"#
            #expect(try curl.request(path, method: "PATCH", type: type, body: old).code == 409)
            let gone = try curl.request(path, method: "PATCH", type: type, body: #"{"status":{"loadBalancer":null}}"#)
            #expect(!gone.body.contains("192.0.2.1"))
            #expect(try curl.request(path, method: "PATCH", body: patch).code == 415)
        }
    }
}
