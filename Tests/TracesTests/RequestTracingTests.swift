import IngressControl
import KubernetesAPI
import Routing
import ServiceModel
import Testing
import Traces

/// Why a request goes where it goes.
@Suite struct RequestTracingTests {
    /// `shop.example` is claimed twice, has a Secret that is not there, and asks for a redirect at one path; `guarded.example` demands client
    /// certificates that nobody can verify.
    private static let manifests = """
        apiVersion: networking.k8s.io/v1
        kind: IngressClass
        metadata: {name: fairlead}
        spec: {controller: fairlead.dev/ingress-controller}
        ---
        apiVersion: networking.k8s.io/v1
        kind: IngressClass
        metadata: {name: nginx}
        spec: {controller: k8s.io/ingress-nginx}
        ---
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata: {name: web, namespace: shop, creationTimestamp: "2026-01-01T00:00:00Z"}
        spec:
          ingressClassName: fairlead
          tls: [{hosts: [shop.example], secretName: gone}]
          rules:
          - host: shop.example
            http:
              paths:
              - {path: /cart, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}
              - {path: /exact, pathType: Exact, backend: {service: {name: web, port: {number: 81}}}}
              - {path: /gone, pathType: Prefix, backend: {service: {name: gone, port: {number: 80}}}}
              - {path: /idle, pathType: Prefix, backend: {service: {name: idle, port: {number: 80}}}}
        ---
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata: {name: late, namespace: shop, creationTimestamp: "2026-02-01T00:00:00Z"}
        spec:
          ingressClassName: fairlead
          rules:
          - host: shop.example
            http: {paths: [{path: /cart, pathType: Prefix, backend: {service: {name: idle, port: {number: 80}}}}]}
          - host: "*.wild.example"
            http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
        ---
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata:
          name: redirected
          namespace: shop
          annotations: {fairlead.dev/force-ssl-redirect: "true"}
        spec:
          ingressClassName: fairlead
          rules:
          - host: redirected.example
            http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
        ---
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata:
          name: guarded
          namespace: shop
          annotations: {fairlead.dev/auth-tls-secret: shop/nowhere}
        spec:
          ingressClassName: fairlead
          tls: [{hosts: [guarded.example]}]
          rules:
          - host: guarded.example
            http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
        ---
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata: {name: foreign, namespace: shop}
        spec:
          ingressClassName: nginx
          rules:
          - host: foreign.example
            http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
        ---
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata: {name: lost, namespace: shop}
        spec:
          ingressClassName: ngnix
          rules:
          - host: lost.example
            http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: web, namespace: shop}
        spec: {clusterIP: 10.96.0.10, ports: [{name: http, port: 80, targetPort: 8080}]}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: idle, namespace: shop}
        spec: {clusterIP: 10.96.0.11, ports: [{name: http, port: 80, targetPort: 8080}]}
        ---
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
        addressType: IPv4
        ports: [{name: http, port: 8080}]
        endpoints:
        - {addresses: [10.244.1.5], nodeName: node-1, zone: zone-a}
        - {addresses: [10.244.1.6], conditions: {ready: false}}
        - {addresses: [10.244.1.7], conditions: {ready: false, serving: true, terminating: true}}
        - {addresses: [10.244.1.8], nodeName: node-2}
        """

    private static func trace(
        _ url: String, _ options: IngressPlannerOptions = IngressPlannerOptions(),
        failing: [String: String] = [:]
    ) throws -> RequestTrace {
        let content = ManifestDecoder.decode(Array(self.manifests.utf8), file: "a.yaml", limits: ManifestLimits())
        try #require(content.problems.isEmpty)
        let planner = IngressPreview.planner(of: content.objects.map(\.object), options, nodeName: "node-1")
        let tracing = RequestTracing(planner, now: 1_800_000_000) { _, _, backend in failing["\(backend.address)"] }
        return tracing.trace(try #require(TracedRequest(url: url)))
    }

    private static func text(_ url: String) throws -> String { TraceText.text(try self.trace(url)) }

    @Test func `where it goes, and what does not get it`() throws {
        let trace = try Self.trace("http://SHOP.example:8080/x/../cart/7?y=1")
        #expect(trace.verdict == .forwarded && trace.status == nil)
        #expect(trace.ingress == "shop/web" && trace.backend == "shop/web:http")
        #expect(trace.candidates.map(\.weight) == [1, nil, nil, 1])
        #expect(
            trace.candidates.map(\.reason) == ["ready", "not ready", "terminating: others are ready", "ready"])
        let text = TraceText.text(trace)
        #expect(text.hasPrefix("request     its path /x/../cart/7 is /cart/7 once it is normalised\n"))
        #expect(text.contains("path        Prefix /cart of Ingress shop/web is the longest rule for /cart/7\n"))
        #expect(text.contains("  10.244.1.5:8080  weight 1  ready, on node-1 in zone-a\n"))
        #expect(text.hasSuffix("verdict     forwarded: goes to one of 2 endpoints\n"))
    }

    @Test func `an older Ingress has the host`() throws {
        let text = try Self.text("http://shop.example/cart")
        #expect(
            text.contains(
                "Ingress shop/late: Prefix path /cart of host shop.example is held by the older Ingress shop/web"))
    }

    @Test func `a Secret that is not there`() throws {
        let text = try Self.text("https://shop.example/cart")
        #expect(text.contains("TLS is declared for shop.example without a certificate that can be had"))
        #expect(text.contains("Ingress shop/web: there is no Secret shop/gone"))
        #expect(try Self.text("https://a.wild.example/").contains("no Ingress declares TLS for a.wild.example"))
    }

    @Test func `a class of another controller, and one that does not exist`() throws {
        let foreign = try Self.trace("http://foreign.example/")
        #expect(foreign.verdict == .answered && foreign.status == 404)
        #expect(
            TraceText.text(foreign).contains(
                #"Ingress shop/foreign names it and is not served: its class "nginx" is of the controller "k8s.io/ingress-nginx""#
            ))
        #expect(
            try Self.text("http://lost.example/").contains(
                #"Ingress shop/lost names it and is not served: there is no IngressClass "ngnix""#))
        var options = IngressPlannerOptions()
        options.watchNamespace = "default"
        #expect(
            TraceText.text(try Self.trace("http://shop.example/", options)).contains(
                "Ingress shop/web names it and is not served: only namespace default is served (--watch-namespace)"))
    }

    @Test(arguments: [
        ("http://shop.example/exact/below", 404, "the host has Prefix /cart, Exact /exact"),
        ("http://shop.example/exact", 503, "Service shop/web has no port 81 for TCP (service-port-missing)"),
        ("http://shop.example/gone", 503, "there is no Service shop/gone (service-missing)"),
        ("http://shop.example/idle", 503, "no EndpointSlice lists an endpoint for this port"),
        ("http://nobody.example/", 404, "there is no default backend either"),
        ("http://redirected.example/", 308, "to the same address by HTTPS"),
        ("http://guarded.example/", 503, "nobody's client certificate can be verified"),
        ("http://shop.example/%zz", 400, "invalid percent-encoding"),
        ("http://sh op.example/", 400, ""),
    ])
    func `what is answered here, and why`(url: String, status: Int, reason: String) throws {
        guard let request = TracedRequest(url: url) else {
            #expect(reason == "")
            return
        }
        let trace = try Self.trace(request.url)
        #expect(trace.verdict == (status == 308 ? .redirected : .answered) && trace.status == status, "\(trace)")
        #expect(TraceText.text(trace).contains(reason), "\(trace)")
    }

    @Test func `wildcards, redirects and the challenge`() throws {
        #expect(
            try Self.text("http://a.wild.example/").contains(
                "a.wild.example is named by nobody, and *.wild.example by Ingress shop/late"))
        #expect(try Self.trace("http://a.b.wild.example/").status == 404)
        #expect(try Self.trace("https://redirected.example/").verdict == .forwarded)
        #expect(try Self.trace("http://redirected.example/.well-known/acme-challenge/x").verdict == .forwarded)
    }

    @Test func `who fails its check is out, unless all do`() throws {
        let one = try Self.trace("http://shop.example/cart", failing: ["10.244.1.5": "connection refused"])
        #expect(one.candidates[0].weight == nil && one.candidates[0].reason == "unhealthy: connection refused")
        #expect(one.reason == "goes to one of 1 endpoint")
        let all = try Self.trace(
            "http://shop.example/cart", failing: ["10.244.1.5": "status 500", "10.244.1.8": "status 500"])
        #expect(all.candidates[0].weight == 1 && all.candidates[0].reason == "unhealthy, as all are: status 500")
    }

    @Test func `what is a URL`() throws {
        #expect(TracedRequest(url: "https://a?b#c")?.url == "https://a/?b")
        #expect(TracedRequest(url: "HTTPS://a/")?.isSecure == true)
        for url in ["", "a/b", "ftp://a/", "http://", "http:///x", "http://a/\r\nX: y"] {
            #expect(TracedRequest(url: url) == nil, "\(url)")
        }
    }
}
