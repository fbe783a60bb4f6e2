import KubernetesAPI
import Networking
import Testing

@Suite struct IngressDecodingTests {
    /// An Ingress `default/web` of this spec, whose first line is line 6.
    private static func ingress(_ spec: String) -> String {
        let lines = spec.split(separator: "\n", omittingEmptySubsequences: false).map { "  \($0)\n" }.joined()
        return "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: web\nspec:\n\(lines)"
    }

    /// One rule with these paths, the first in line 9.
    private static func paths(_ paths: String...) -> String {
        self.ingress("rules:\n- http:\n    paths:\n" + paths.map { "    - \($0)" }.joined(separator: "\n"))
    }

    private static let backend = "backend: {service: {name: web, port: {number: 80}}}"
    private static let web = IngressBackend.service(name: "web", port: .number(80))

    @Test func everyFieldIsRead() throws {
        #expect(Manifests.problems(Manifests.ingress).isEmpty)
        let ingress = try #require(Manifests.firstIngress(Manifests.ingress))
        #expect(
            ingress
                == Ingress(
                    metadata: ObjectMeta(
                        name: ObjectName(namespace: "shop", name: "shop"),
                        annotations: ["fairlead.dev/ssl-redirect": "true"]),
                    ingressClassName: "fairlead",
                    defaultBackend: .service(name: "front", port: .number(80)),
                    tls: [IngressTLS(hosts: ["shop.example", "*.shop.example"], secretName: "shop-tls")],
                    rules: [
                        IngressRule(
                            host: "shop.example",
                            paths: [
                                IngressPath(
                                    path: "/cart", pathType: .exact,
                                    backend: .service(name: "cart", port: .name("http"))),
                                IngressPath(path: "/", backend: .service(name: "front", port: .number(80))),
                                IngressPath(
                                    path: "", pathType: .implementationSpecific,
                                    backend: .resource(apiGroup: "", kind: "ConfigMap", name: "page")),
                            ]),
                        IngressRule(host: "*.shop.example"),
                    ],
                    loadBalancer: [
                        LoadBalancerAddress(ip: IPAddress(192, 0, 2, 1)),
                        LoadBalancerAddress(hostname: "lb.example.com"),
                    ]))
        #expect(ObjectKey(kind: .ingress, name: ingress.metadata.name).description == "Ingress shop/shop")
    }

    @Test func theOldAnnotationIsKept() {
        let source = Self.ingress(Self.backend.replacing("backend", with: "defaultBackend"))
            .replacing("name: web\nspec", with: "name: web\n  annotations: {kubernetes.io/ingress.class: nginx}\nspec")
        #expect(Manifests.firstIngress(source)?.metadata.annotations == [KnownKey.ingressClass: "nginx"])
        #expect(Manifests.firstIngress(source)?.ingressClassName == nil)
        let both = source.replacing("spec:\n", with: "spec:\n  ingressClassName: nginx\n")
        #expect(Manifests.problems(both).isEmpty)
        // The API server refuses this when an object is made, and not when it is changed.
        #expect(
            Manifests.problems(both.replacing("ingressClassName: nginx", with: "ingressClassName: fairlead")) == [
                "a.yaml:7: Ingress default/web: spec.ingressClassName: counts, and not the annotation "
                    + "kubernetes.io/ingress.class, which is \"nginx\""
            ])
    }

    /// What the API server checks of a path, and what it does not.
    @Test(arguments: [
        "{path: /, pathType: Prefix", "{path: /a/b/, pathType: Exact", "{path: /a..b/...c, pathType: Prefix",
        "{path: '', pathType: ImplementationSpecific", "{pathType: ImplementationSpecific",
        "{path: '/a//b(.*)$ {}', pathType: ImplementationSpecific", "{path: '/ä ö', pathType: Exact",
        "{path: /a%20b, pathType: Prefix",
    ])
    func goodPath(path: String) {
        let source = Self.paths("\(path), \(Self.backend)}")
        #expect(Manifests.problems(source).isEmpty)
        #expect(Manifests.firstIngress(source)?.rules.first?.paths?.map(\.backend) == [Self.web])
    }

    static let badPaths: [BadCase] = [
        BadCase("{path: /a, \(backend)}", "9: spec.rules[0].http.paths[0].pathType: is required"),
        BadCase(
            "{path: /a, pathType: Regex, \(backend)}",
            "9: spec.rules[0].http.paths[0].pathType: must be Exact, Prefix or ImplementationSpecific, not \"Regex\""),
        BadCase(
            "{path: a, pathType: Exact, \(backend)}",
            "9: spec.rules[0].http.paths[0].path: must begin with '/', not \"a\""),
        BadCase(
            "{pathType: Prefix, \(backend)}", "9: spec.rules[0].http.paths[0].path: must begin with '/', not \"\""),
        BadCase(
            "{path: a, pathType: ImplementationSpecific, \(backend)}",
            "9: spec.rules[0].http.paths[0].path: must begin with '/', not \"a\""),
        BadCase(
            "{path: /a//b, pathType: Prefix, \(backend)}",
            "9: spec.rules[0].http.paths[0].path: must not contain '//': \"/a//b\""),
        BadCase(
            "{path: /a/./b, pathType: Exact, \(backend)}",
            "9: spec.rules[0].http.paths[0].path: must not contain '/./': \"/a/./b\""),
        BadCase(
            "{path: /a/../b, pathType: Exact, \(backend)}",
            "9: spec.rules[0].http.paths[0].path: must not contain '/../': \"/a/../b\""),
        BadCase(
            "{path: /a%2fb, pathType: Exact, \(backend)}",
            "9: spec.rules[0].http.paths[0].path: must not contain '%2f': \"/a%2fb\""),
        BadCase(
            "{path: /a%2Fb, pathType: Prefix, \(backend)}",
            "9: spec.rules[0].http.paths[0].path: must not contain '%2F': \"/a%2Fb\""),
        BadCase(
            "{path: /a/.., pathType: Prefix, \(backend)}",
            "9: spec.rules[0].http.paths[0].path: must not end with '/..': \"/a/..\""),
        BadCase(
            "{path: /a/., pathType: Prefix, \(backend)}",
            "9: spec.rules[0].http.paths[0].path: must not end with '/.': \"/a/.\""),
        BadCase("{path: /a, pathType: Exact}", "9: spec.rules[0].http.paths[0].backend: is required"),
        BadCase(
            "{path: /a, pathType: Exact, backend: {}}",
            "9: spec.rules[0].http.paths[0].backend: needs a service or a resource"),
        BadCase(
            "{path: /a, pathType: Exact, backend: web}",
            "9: spec.rules[0].http.paths[0].backend: must be a mapping, not the string \"web\""),
        BadCase(
            "{path: /a, pathType: Exact, backend: {service: {name: a, port: {number: 1}}, resource: {kind: A, name: b}}}",
            "9: spec.rules[0].http.paths[0].backend: must not have both a service and a resource"),
        BadCase(
            "{path: /a, pathType: Exact, backend: {service: {port: {number: 1}}}}",
            "9: spec.rules[0].http.paths[0].backend.service.name: is required"),
        BadCase(
            "{path: /a, pathType: Exact, backend: {service: {name: shop/web, port: {number: 1}}}}",
            "9: spec.rules[0].http.paths[0].backend.service.name: must be at most 63 lower case letters, digits and '-', "
                + "begin with a letter and end with a letter or digit, not \"shop/web\""),
        BadCase(
            "{path: /a, pathType: Exact, backend: {service: {name: web}}}",
            "9: spec.rules[0].http.paths[0].backend.service.port: is required"),
        BadCase(
            "{path: /a, pathType: Exact, backend: {service: {name: web, port: 80}}}",
            "9: spec.rules[0].http.paths[0].backend.service.port: must be a mapping, not the number 80"),
        BadCase(
            "{path: /a, pathType: Exact, backend: {service: {name: web, port: {}}}}",
            "9: spec.rules[0].http.paths[0].backend.service.port: needs a name or a number"),
        BadCase(
            "{path: /a, pathType: Exact, backend: {service: {name: web, port: {number: 0, name: ''}}}}",
            "9: spec.rules[0].http.paths[0].backend.service.port: needs a name or a number"),
        BadCase(
            "{path: /a, pathType: Exact, backend: {service: {name: web, port: {number: 80, name: http}}}}",
            "9: spec.rules[0].http.paths[0].backend.service.port: must not have both a name and a number"),
        BadCase(
            "{path: /a, pathType: Exact, backend: {service: {name: web, port: {number: 65536}}}}",
            "9: spec.rules[0].http.paths[0].backend.service.port.number: must be between 1 and 65535, not 65536"),
        BadCase(
            "{path: /a, pathType: Exact, backend: {service: {name: web, port: {number: \"80\"}}}}",
            "9: spec.rules[0].http.paths[0].backend.service.port.number: must be an integer, not the string \"80\""),
        BadCase(
            "{path: /a, pathType: Exact, backend: {service: {name: web, port: {name: '80'}}}}",
            "9: spec.rules[0].http.paths[0].backend.service.port.name: must be at most 15 lower case letters, digits and "
                + "single '-', among them a letter, and begin and end with a letter or digit, not \"80\""),
        BadCase(
            "{path: /a, pathType: Exact, backend: {resource: {name: b}}}",
            "9: spec.rules[0].http.paths[0].backend.resource.kind: is required"),
        BadCase(
            "{path: /a, pathType: Exact, backend: {resource: {apiGroup: '', kind: A, name: a/b}}}",
            "9: spec.rules[0].http.paths[0].backend.resource.apiGroup: must be at most 253 lower case letters, digits, "
                + "'-' and '.', each part beginning and ending with a letter or digit, not \"\"",
            "9: spec.rules[0].http.paths[0].backend.resource.name: must not be '.' or '..' or contain '/' or '%', not "
                + "\"a/b\""),
        BadCase("web", "9: spec.rules[0].http.paths[0]: must be a mapping, not the string \"web\""),
    ]

    @Test(arguments: badPaths)
    func badPathIsReportedAndTheIngressLeftOut(bad: BadCase) {
        let content = Manifests.decode(Self.paths(bad.source) + "---\n" + Manifests.service)
        #expect(content.problems.map(\.description) == bad.reports(of: "Ingress default/web"))
        #expect(content.objects.map(\.object.key.description) == ["Service shop/web"])
    }

    static let badSpecs: [BadCase] = [
        BadCase("{}", "6: spec: needs rules, defaultBackend or both"),
        BadCase("rules: []\ntls: [{hosts: [a.example]}]", "6: spec: needs rules, defaultBackend or both"),
        BadCase("rules: {}", "6: spec.rules: must be a list, not a mapping"),
        BadCase("defaultBackend: {}", "6: spec.defaultBackend: needs a service or a resource"),
        BadCase("rules: [{http: {}}]", "6: spec.rules[0].http.paths: is required"),
        BadCase("rules: [{http: {paths: []}}]", "6: spec.rules[0].http.paths: is required"),
        BadCase("rules: [{host: 192.0.2.1}]", "6: spec.rules[0].host: must be a name, not the IP address 192.0.2.1"),
        BadCase(
            "rules: [{host: '2001:db8::1'}]", "6: spec.rules[0].host: must be a name, not the IP address 2001:db8::1"),
        BadCase(
            "rules: [{host: 'a.example:80'}]",
            "6: spec.rules[0].host: must be at most 253 lower case letters, digits, '-' and '.', each part beginning and "
                + "ending with a letter or digit, not \"a.example:80\""),
        BadCase(
            "rules: [{host: '*'}, {host: 'a.*.example'}, {host: '*.*.example'}, {host: '*a.example'}]",
            "6: spec.rules[0].host: must be '*.' and a name of lower case letters, digits, '-' and '.', not \"*\"",
            "6: spec.rules[1].host: must be '*.' and a name of lower case letters, digits, '-' and '.', not \"a.*.example\"",
            "6: spec.rules[2].host: must be '*.' and a name of lower case letters, digits, '-' and '.', not \"*.*.example\"",
            "6: spec.rules[3].host: must be '*.' and a name of lower case letters, digits, '-' and '.', not \"*a.example\""
        ),
        BadCase(
            "rules: [{}]\ntls: [{hosts: ['*'], secretName: a}]",
            "7: spec.tls[0].hosts[0]: must be '*.' and a name of lower case letters, digits, '-' and '.', not \"*\""),
        BadCase(
            "rules: [{}]\ntls: [{secretName: shop/a}]",
            "7: spec.tls[0].secretName: must be at most 253 lower case letters, digits, '-' and '.', each part beginning "
                + "and ending with a letter or digit, not \"shop/a\""),
        BadCase(
            "rules: [{}]\ningressClassName: ''",
            "7: spec.ingressClassName: must be at most 253 lower case letters, digits, '-' and '.', each part beginning "
                + "and ending with a letter or digit, not \"\""),
    ]

    @Test(arguments: badSpecs)
    func badSpecIsReportedAndLeftOut(bad: BadCase) {
        let content = Manifests.decode(Self.ingress(bad.source) + "---\n" + Manifests.service)
        #expect(content.problems.map(\.description) == bad.reports(of: "Ingress default/web"))
        #expect(content.objects.map(\.object.key.description) == ["Service shop/web"])
    }

    @Test func aRuleMayHaveNothing() {
        let source = Self.ingress("rules: [{}, {host: a.example, http: null}, {host: 10.1.example}]")
        #expect(Manifests.problems(source).isEmpty)
        #expect(
            Manifests.firstIngress(source)?.rules == [
                IngressRule(), IngressRule(host: "a.example"), IngressRule(host: "10.1.example"),
            ])
    }

    static let badHeads: [BadCase] = [
        BadCase(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a}",
            "a.yaml:1: Ingress default/a: spec: is required"),
        BadCase(
            "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: a}",
            "a.yaml:1: apiVersion: must be \"networking.k8s.io/v1\" for kind Ingress, not \"extensions/v1beta1\""),
        BadCase(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a}\nspec: {rules: [{}]}\n"
                + "status: {loadBalancer: {ingress: [{ip: x}, {hostname: 192.0.2.1}]}}",
            "a.yaml:5: Ingress default/a: status.loadBalancer.ingress[0].ip: must be an IP address, not \"x\"",
            "a.yaml:5: Ingress default/a: status.loadBalancer.ingress[1].hostname: must be a name, not the IP address "
                + "192.0.2.1"),
        BadCase(
            "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: a, namespace: b}\n"
                + "spec: {controller: a.example/b}",
            "a.yaml:3: IngressClass a: metadata.namespace: must not be given: an IngressClass belongs to the cluster"),
    ]

    @Test(arguments: badHeads)
    func badHeadIsReported(bad: BadCase) {
        #expect(Manifests.problems(bad.source) == bad.problems)
        #expect(Manifests.names(bad.source).isEmpty)
    }

    @Test func listsOfThemAreRead() {
        let list = """
            apiVersion: networking.k8s.io/v1
            kind: IngressList
            items:
            - {metadata: {name: a}, spec: {rules: [{}]}}
            - {metadata: {name: b, namespace: c}, spec: {rules: [{}]}}

            """
        #expect(Manifests.names(list) == ["Ingress default/a", "Ingress c/b"])
    }

    // MARK: Classes

    private static func ingressClass(_ spec: String) -> String {
        "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: fairlead}\nspec: \(spec)\n"
    }

    @Test func everyFieldOfAClassIsRead() {
        let content = Manifests.decode(Manifests.ingressClass)
        #expect(content.problems.isEmpty)
        let name = ObjectName(namespace: "", name: "fairlead")
        #expect(
            content.objects.map(\.object) == [
                .ingressClass(
                    IngressClass(
                        metadata: ObjectMeta(name: name), controller: "fairlead.dev/ingress-controller",
                        isDefault: true, hasParameters: true))
            ])
        let plain = Manifests.decode(Self.ingressClass("{controller: \"a.example/b/c:~!'()\"}"))
        #expect(
            plain.objects.map(\.object) == [
                .ingressClass(IngressClass(metadata: ObjectMeta(name: name), controller: "a.example/b/c:~!'()"))
            ])
    }

    static let badClasses: [BadCase] = [
        BadCase("", "1: spec: is required"),
        BadCase("{}", "4: spec.controller: is required"),
        BadCase(
            "{controller: fairlead}",
            "4: spec.controller: must be a domain and a path, as example.com/ingress-controller, not \"fairlead\""),
        BadCase(
            "{controller: 'a b/c'}",
            "4: spec.controller: must be a domain and a path, as example.com/ingress-controller, not \"a b/c\""),
        BadCase(
            "{controller: a.example/\(String(repeating: "x", count: 241))}",
            "4: spec.controller: must be at most 250 bytes long"),
        BadCase(
            "{controller: a/b, parameters: {scope: Cluster, namespace: c}}",
            "4: spec.parameters.kind: is required", "4: spec.parameters.name: is required",
            "4: spec.parameters.namespace: must not be given when scope is Cluster"),
        BadCase(
            "{controller: a/b, parameters: {kind: A, name: b, scope: Namespace}}",
            "4: spec.parameters.namespace: is required"),
        BadCase(
            "{controller: a/b, parameters: {kind: A, name: b, scope: Zone}}",
            "4: spec.parameters.scope: must be Cluster or Namespace, not \"Zone\""),
        BadCase("{controller: a/b, parameters: c}", "4: spec.parameters: must be a mapping, not the string \"c\""),
    ]

    @Test(arguments: badClasses)
    func badClassIsReportedAndLeftOut(bad: BadCase) {
        let content = Manifests.decode(Self.ingressClass(bad.source) + "---\n" + Manifests.service)
        #expect(content.problems.map(\.description) == bad.reports(of: "IngressClass fairlead"))
        #expect(content.objects.map(\.object.key.description) == ["Service shop/web"])
    }

    // MARK: Kinds that are not wanted

    @Test func whatIsNotWantedIsNotEvenLookedAt() {
        let source =
            [Manifests.ingress, Manifests.ingressClass, Manifests.secret, Manifests.service].joined(separator: "---\n")
            + "---\n" + Self.ingress("rules: 7")
            + "---\napiVersion: v1\nkind: SecretList\nitems: [{metadata: 1}]\n---\napiVersion: v2\nkind: Secret\n"
        let node = ManifestDecoder.decode(Array(source.utf8), file: "a.yaml", kinds: ObjectKind.ofNode)
        #expect(node.objects.map(\.object.key.description) == ["Service shop/web"])
        #expect(node.problems.isEmpty)
        let ingress = ManifestDecoder.decode(
            Array((source + "---\n" + Manifests.serviceCIDR).utf8), file: "a.yaml", kinds: ObjectKind.ofIngress)
        #expect(ingress.objects.map(\.object.key.kind) == [.ingress, .ingressClass, .secret, .service])
        #expect(ingress.problems.count == 3)
    }

    @Test func theRolesHaveAllKinds() {
        #expect(ObjectKind.ofNode.union(ObjectKind.ofIngress) == Set(ObjectKind.allCases))
        #expect(ObjectKind.ofNode.isDisjoint(with: [.ingress, .ingressClass, .secret]))
    }
}
