import IngressControl
import KubernetesAPI
import KubernetesClient
import Lab
import Testing

@Suite struct IngressDocumentsTests {
    @Test func `before there is anything`() {
        #expect(
            IngressDocuments.routes(nil)
                == #"{"apiVersion":"admin.fairlead.dev/v1","kind":"RouteList","generation":0,"items":[]}"#)
        #expect(
            IngressDocuments.status(nil, addresses: nil, leads: nil, isDraining: false)
                == #"{"apiVersion":"admin.fairlead.dev/v1","kind":"IngressStatus","generation":0,"ready":false,"#
                + #""draining":false,"ingresses":[]}"#)
    }

    @Test func `what is in force`() async throws {
        try await Ingresses.with(prepare: { folder in
            try folder.write(
                "a.yaml",
                Site.join(
                    Site.base, Site.ingress("late", host: "late.example", service: "late"),
                    Site.secret("shop", .shop)))
        }) { ingresses in
            try await eventually("a snapshot") { ingresses.board.state != nil }
            let state = try #require(ingresses.board.state)
            let head = #"{"apiVersion":"admin.fairlead.dev/v1","kind":"#
            let tail = #""sslRedirect":false,"clientCertificate":false,"accessLog":false}"#
            #expect(
                IngressDocuments.routes(state)
                    == head + #""RouteList","generation":1,"items":["#
                    + #"{"host":"late.example","path":"/","pathType":"Prefix","ingress":"default/late","default":false,"#
                    + #""backend":"default/late:http","state":"service-missing","# + tail + ","
                    + #"{"host":"shop.example","path":"/","pathType":"Prefix","ingress":"default/web","default":false,"#
                    + #""backend":"default/web:http","state":"available","# + tail + "]}")
            #expect(
                IngressDocuments.backends(state)
                    == head + #""BackendList","generation":1,"items":["#
                    + #"{"backend":"default/late:http","state":"service-missing","loadBalance":"round_robin","protocol":"http/1.1","endpoints":[]},"#
                    + #"{"backend":"default/web:http","state":"available","loadBalance":"round_robin","protocol":"http/1.1","endpoints":["#
                    + #"{"address":"10.244.0.1","port":8080,"weight":1,"sameZone":false}]}]}"#)
            let problems = IngressDocuments.problems(state)
            #expect(problems.contains(#""object":"Ingress default/late","severity":"#))
            #expect(problems.contains(#""reason":"ServiceMissing""#))
            let certificates = IngressDocuments.certificates(state)
            #expect(
                certificates.contains(
                    #""secret":"default/shop","default":false,"state":"valid","hosts":["shop.example"]"#))
            #expect(certificates.contains(#""names":["shop.example","*.shop.example"],"subject":"CN=shop.example""#))
            #expect(certificates.contains(#""notAfter":"2126-01-01T00:00:00Z""#))
            #expect(!certificates.contains("PRIVATE KEY"))
            let status = IngressDocuments.status(
                state, addresses: [.ip("192.0.2.7")], leads: true, isDraining: true)
            #expect(status.contains(#""ready":false,"draining":true,"#))
            #expect(status.contains(#""leader":true,"addresses":["192.0.2.7"],"ingresses":["#))
            #expect(status.contains(#"{"name":"default/late","addresses":[]},{"name":"default/web","addresses":[]}"#))
        }
    }
}
