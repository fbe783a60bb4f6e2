import FakeAPIServer
import KubernetesAPI
import KubernetesWire
import Networking
import Testing

/// Lists, pages and selectors, as docs "Kubernetes API Concepts" has them.
@Suite struct ReadingTests {
    @Test(arguments: ["--http2", "--http1.1"])
    func aListHasItsObjects(version: String) async throws {
        try await withServer { server in
            try await server.apply(json: service("web", labels: ["app": "web"]), to: .services)
            try await server.apply(json: service("api"), to: .services)
            let answer = try Curl(server: server, version: version).request("/api/v1/services")
            #expect(answer.code == 200)
            #expect(answer.headers.hasPrefix(version == "--http2" ? "http/2 200" : "http/1.1 200"))
            #expect(answer.headers.contains("content-type: application/json"))
            let head =
                #"{"kind":"ServiceList","apiVersion":"v1","metadata":{"resourceVersion":"1002"},"items":[{"metadata":{"#
            #expect(answer.body.hasPrefix(head + #""name":"api","namespace":"shop","uid":"#))
            #expect(
                answer.body.contains(#""name":"web","namespace":"shop","uid":"00000000-0000-4000-8000-000000000001""#))
            // Items of a list do not say their kind.
            #expect(!answer.body.contains(#""kind":"Service""#))
            #expect(try await server.counts()["list", .services] == 1)
        }
    }

    @Test func oneObjectSaysItsKind() async throws {
        try await withServer { server in
            try await server.apply(json: service("web"), to: .services)
            let curl = Curl(server: server)
            let found = try curl.request("/api/v1/namespaces/shop/services/web")
            #expect(found.body.hasPrefix(#"{"kind":"Service","apiVersion":"v1","metadata":{"name":"web","#))
            let missing = try curl.request("/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices/web")
            #expect(missing.code == 404)
            #expect(
                missing.body.contains(
                    #""message":"endpointslices.discovery.k8s.io \"web\" not found","reason":"NotFound""#))
            #expect(try curl.request("/api/v1/pods").code == 404)
            #expect(try curl.request("/apis/discovery.k8s.io/v1/services").code == 404)
            #expect(try curl.request("/readyz").body == "ok")
            #expect(try curl.request("/version").body.contains(#""gitVersion":"v1.36.1""#))
        }
    }

    @Test(arguments: [
        ("labelSelector=%21service.kubernetes.io%2Fservice-proxy-name", ["api", "web"]),
        ("labelSelector=service.kubernetes.io/service-proxy-name", ["other"]),
        ("labelSelector=app%3Dweb", ["web"]),
        ("labelSelector=app==web,tier!=back", ["web"]),
        ("labelSelector=app!%3Dweb", ["api", "other"]),
        ("labelSelector=app+in+(web,api),!x", ["api", "web"]),
        ("labelSelector=app+notin+(web)", ["api", "other"]),
        ("fieldSelector=spec.clusterIP%21%3DNone", ["other", "web"]),
        ("fieldSelector=metadata.name%3Dweb", ["web"]),
        ("fieldSelector=metadata.namespace=shop,metadata.name!=web", ["api", "other"]),
    ])
    func selectorsSelect(query: String, names: [String]) async throws {
        try await withServer { server in
            try await server.apply(json: service("web", labels: ["app": "web"]), to: .services)
            try await server.apply(json: service("api", labels: ["app": "api"], clusterIP: "None"), to: .services)
            try await server.apply(
                json: service("other", labels: ["service.kubernetes.io/service-proxy-name": "", "app": "x"]),
                to: .services
            )
            let body = try Curl(server: server).request("/api/v1/services?\(query)").body
            let found = body.matches(of: /"name":"([^"]*)"/).map { String($0.1) }
            #expect(found == names)
        }
    }

    @Test func aFieldThatIsNotServedIsRefused() async throws {
        try await withServer { server in
            let answer = try Curl(server: server).request("/api/v1/services?fieldSelector=spec.ports%3D80")
            #expect(answer.code == 400)
            #expect(answer.body.contains("field label not supported: spec.ports"))
        }
    }

    @Test func pagesAreOfOneVersion() async throws {
        try await withServer { server in
            try await server.generate(GeneratedCluster(services: 5, endpoints: 1))
            let curl = Curl(server: server)
            let path = "/api/v1/services?limit=2"
            let first = try curl.request(path).body
            #expect(
                first.contains(#""metadata":{"resourceVersion":"1010","continue":"page-1","remainingItemCount":3}"#))
            // What changes meanwhile is not in the pages that follow.
            try await server.delete(.services, namespace: "bench", name: "service-4")
            let second = try curl.request(path + "&continue=page-1").body
            #expect(second.contains(#""resourceVersion":"1010","continue":"page-2","remainingItemCount":1"#))
            let third = try curl.request(path + "&continue=page-2").body
            #expect(third.contains(#""metadata":{"resourceVersion":"1010"}"#))
            #expect(third.contains(#""name":"service-4""#))
            // From the cache there is everything at once.
            let all = try curl.request(path + "&resourceVersion=0").body
            #expect(all.matches(of: /"name":"service-/).count == 4)

            try await server.compact()
            let expired = try curl.request(path + "&continue=page-2")
            #expect(expired.code == 410)
            #expect(expired.body.contains(#""reason":"Expired","code":410"#))
        }
    }

    @Test func aVersionOfTheFutureIsTooLarge() async throws {
        try await withServer { server in
            let answer = try Curl(server: server)
                .request("/api/v1/services?resourceVersion=5000&resourceVersionMatch=NotOlderThan")
            #expect(answer.code == 504)
            #expect(answer.headers.contains("retry-after: 1"))
            let status = APIStatus(body: Array(answer.body.utf8), contentType: "application/json", code: 504)
            #expect(status.isResourceVersionTooLarge && status.reason == "Timeout" && status.retryAfterSeconds == 1)
        }
    }

    @Test(arguments: ["--http2", "--http1.1"])
    func protobufHoldsTheSameObjects(version: String) async throws {
        try await withServer { server in
            let cluster = GeneratedCluster(services: 200, endpoints: 10)
            try await server.generate(cluster)
            let curl = Curl(
                server: server, version: version, accept: "application/vnd.kubernetes.protobuf, application/json")
            let body = try curl.bytes("/apis/discovery.k8s.io/v1/endpointslices")
            let list = try ObjectList(decoding: body, kind: .endpointSlice, format: .protobuf)
            let expected = (0..<200).map { cluster.objects($0)[1] }.sorted { $0.key.name < $1.key.name }
            // The server gives each a time.
            let found = list.objects.map { decoded -> KubernetesObject in
                guard case .endpointSlice(var slice) = decoded.object else { return decoded.object }
                slice.metadata.creationTimestamp = nil
                return .endpointSlice(slice)
            }
            #expect(found == expected)
            #expect(list.objects.flatMap(\.notes) == [])
            let one = try curl.bytes("/api/v1/namespaces/bench/services/service-7")
            let service = try DecodedObject(decoding: one, kind: .service, format: .protobuf)
            #expect(service.object.key.description == "Service bench/service-7")
        }
    }

    @Test func aFormatThatIsNotServedIsNotAcceptable() async throws {
        try await withServer { server in
            for (accept, code) in [("text/html", 406), ("*/*", 200)] {
                let answer = try Curl(server: server, accept: accept).request("/api/v1/services")
                #expect(answer.code == code)
            }
        }
    }

    @Test(arguments: [
        ("secrets?fieldSelector=type%3Dkubernetes.io/tls", ["a"]),
        ("secrets?fieldSelector=type!%3DOpaque", ["c", "a"]),
        ("namespaces/shop/secrets", ["a"]), ("namespaces/other/secrets?fieldSelector=metadata.name%3Db", ["b"]),
        ("namespaces/none/secrets", []),
    ])
    func secretsAreSelectedByTypeAndNamespace(path: String, names: [String]) async throws {
        try await withServer { server in
            for (name, namespace, type) in [
                ("a", "shop", "kubernetes.io/tls"), ("b", "other", ""), ("c", "other", "helm.sh/release.v1"),
            ] {
                try await server.apply(
                    json: #"{"metadata":{"name":"\#(name)","namespace":"\#(namespace)"},"type":"\#(type)"}"#,
                    to: .secrets)
            }
            let body = try Curl(server: server).request("/api/v1/\(path)").body
            #expect(body.matches(of: /"name":"([^"]*)"/).map { String($0.1) } == names)
        }
    }

    /// In JSON a rule has its paths, and a target port is a number or a string.
    @Test func shapesOfJSON() async throws {
        try await withServer { server in
            let rule = #"{"host":"a.example","http":{"paths":[{"path":"/","backend":{"service":{"name":"web"}}}]}}"#
            try await server.apply(
                json: #"{"metadata":{"name":"web","namespace":"shop"},"spec":{"rules":[\#(rule)]}}"#, to: .ingresses)
            try await server.apply(
                json: #"{"metadata":{"name":"web","namespace":"shop"},"spec":{"ports":[{"port":1,"targetPort":2},"#
                    + #"{"port":2,"targetPort":"http"}]}}"#, to: .services)
            let curl = Curl(server: server)
            let ingress = try curl.request("/apis/networking.k8s.io/v1/namespaces/shop/ingresses/web").body
            #expect(ingress.contains(rule) && !ingress.contains("ingressRuleValue"))
            let service = try curl.request("/api/v1/namespaces/shop/services/web").body
            #expect(service.contains(#""targetPort":2"#) && service.contains(#""targetPort":"http""#))
            #expect(!service.contains("targetPortMessage"))
        }
    }

    /// Objects that were applied as Fairlead has them come back as they were.
    @Test func objectsSurviveTheServer() async throws {
        let manifest = """
            apiVersion: v1
            kind: Service
            metadata: {name: lb, namespace: shop, annotations: {fairlead.dev/a: b}, creationTimestamp: 2026-01-01T00:00:00Z}
            spec: {type: LoadBalancer, clusterIPs: [10.96.0.10, "fd00::a"], externalTrafficPolicy: Local, healthCheckNodePort: 32000,
              loadBalancerSourceRanges: [198.51.100.0/24], externalIPs: [203.0.113.9], internalTrafficPolicy: Local,
              sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 60}},
              ports: [{name: a, port: 80, nodePort: 30080, targetPort: web, appProtocol: kubernetes.io/ws},
                {name: b, port: 53, protocol: UDP, targetPort: 5353}]}
            status: {loadBalancer: {ingress: [{ip: 192.0.2.1}, {ip: 192.0.2.2, ipMode: Proxy}, {hostname: lb.example}]}}
            ---
            apiVersion: discovery.k8s.io/v1
            kind: EndpointSlice
            metadata: {name: lb-1, namespace: shop, labels: {kubernetes.io/service-name: lb}, creationTimestamp: 2026-01-01T00:00:00Z,
              annotations: {endpoints.kubernetes.io/last-change-trigger-time: "2026-01-31T12:00:00Z"}}
            addressType: IPv6
            endpoints: [{addresses: ["fd00::1"], conditions: {ready: false, serving: true, terminating: true}, nodeName: n, zone: z,
              hints: {forZones: [{name: z}], forNodes: [{name: n}]}}]
            ports: [{name: a, port: 8080}]
            ---
            apiVersion: v1
            kind: Node
            metadata: {name: n, labels: {topology.kubernetes.io/zone: z}, creationTimestamp: 2026-01-01T00:00:00Z,
              deletionTimestamp: 2026-01-01T00:00:00Z}
            spec: {podCIDR: 10.244.1.0/24, taints: [{key: ToBeDeletedByClusterAutoscaler}]}
            status: {addresses: [{type: InternalIP, address: 192.168.1.10}]}
            ---
            apiVersion: networking.k8s.io/v1
            kind: ServiceCIDR
            metadata: {name: s, creationTimestamp: 2026-01-01T00:00:00Z}
            spec: {cidrs: [10.96.0.0/16]}
            ---
            apiVersion: networking.k8s.io/v1
            kind: Ingress
            metadata: {name: i, namespace: shop, uid: 00000000-0000-4000-8000-000000000005, creationTimestamp: 2026-01-01T00:00:00Z,
              annotations: {fairlead.dev/ssl-redirect: "true"}}
            spec: {ingressClassName: c, defaultBackend: {resource: {apiGroup: a.example, kind: A, name: b}},
              tls: [{hosts: [a.example], secretName: s}], rules: [{host: a.example, http: {paths: [{path: /, pathType: Prefix,
              backend: {service: {name: w, port: {name: http}}}}, {path: /x, pathType: Exact, backend: {service: {name: w,
              port: {number: 80}}}}]}}, {host: b.example}]}
            status: {loadBalancer: {ingress: [{ip: 192.0.2.1, hostname: lb.example}]}}
            ---
            apiVersion: networking.k8s.io/v1
            kind: IngressClass
            metadata: {name: c, creationTimestamp: 2026-01-01T00:00:00Z,
              annotations: {ingressclass.kubernetes.io/is-default-class: "true"}}
            spec: {controller: fairlead.dev/ingress-controller, parameters: {kind: A, name: b}}
            ---
            apiVersion: v1
            kind: Secret
            metadata: {name: s, namespace: shop, creationTimestamp: 2026-01-01T00:00:00Z}
            type: kubernetes.io/tls
            data: {tls.crt: Y3J0, tls.key: AAH/}
            stringData: {ca.crt: ca}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: name, namespace: named, creationTimestamp: 2026-01-01T00:00:00Z}
            spec: {type: ExternalName, externalName: db.example.com}
            """
        let content = ManifestDecoder.decode(Array(manifest.utf8), file: "a.yaml")
        #expect(content.problems.isEmpty, "\(content.problems)")
        let paths = [
            "/api/v1/namespaces/shop/services", "/apis/discovery.k8s.io/v1/endpointslices", "/api/v1/nodes",
            "/apis/networking.k8s.io/v1/servicecidrs", "/apis/networking.k8s.io/v1/ingresses",
            "/apis/networking.k8s.io/v1/ingressclasses",
            "/api/v1/namespaces/shop/secrets?fieldSelector=type%3Dkubernetes.io/tls",
            "/api/v1/namespaces/named/services",
        ]
        try await withServer { server in
            try await server.apply(content.objects.map(\.object))
            for (object, path) in zip(content.objects.map(\.object), paths) {
                for format in WireFormat.allCases {
                    let body = try Curl(server: server, accept: format.mediaType).bytes(path)
                    let list = try ObjectList(decoding: body, kind: object.key.kind, format: format)
                    #expect(list.objects.map(\.object) == [object])
                }
            }
        }
    }
}
