import KubernetesAPI
import KubernetesWire
import Networking
import Testing

/// What an ingress reads, as Kubernetes' own definitions write it, and what old or lawless objects come to.
@Suite struct IngressDecodingTests {
    private static let created: Int64 = 1_767_225_600

    @Test func everyFieldOfAnIngressIsRead() throws {
        let decoded = try DecodingTests.protobuf(.ingress, RecordedProtobuf.ingress)
        #expect(decoded.resourceVersion == "48230" && decoded.uid == "1b")
        let ingress = Ingress(
            metadata: ObjectMeta(
                name: ObjectName(namespace: "shop", name: "shop"),
                annotations: ["kubernetes.io/ingress.class": "fairlead", "fairlead.dev/proxy-body-size": "8m"],
                allLabels: LabelSet(["app": "shop"]),
                creationTimestamp: Self.created
            ),
            uid: "1b",
            ingressClassName: "fairlead",
            defaultBackend: .service(name: "front", port: .number(8_080)),
            tls: [
                IngressTLS(hosts: ["shop.example", "*.shop.example"], secretName: "shop-tls"),
                IngressTLS(hosts: ["plain.example"]), IngressTLS(secretName: "rest"),
            ],
            rules: [
                IngressRule(
                    host: "shop.example",
                    paths: [
                        IngressPath(
                            path: "/cart", pathType: .exact, backend: .service(name: "cart", port: .name("http"))),
                        IngressPath(path: "/", backend: .service(name: "front", port: .number(80))),
                        IngressPath(
                            path: "", pathType: .implementationSpecific,
                            backend: .resource(apiGroup: "k8s.example.com", kind: "StorageBucket", name: "static")),
                        IngressPath(
                            path: "/config", backend: .resource(apiGroup: "", kind: "ConfigMap", name: "static")),
                    ]),
                IngressRule(host: "*.shop.example"),
                IngressRule(
                    paths: [IngressPath(path: "/any", backend: .service(name: "any", port: .number(65_535)))]),
            ],
            loadBalancer: [
                LoadBalancerAddress(ip: IPAddress(192, 0, 2, 1)), LoadBalancerAddress(hostname: "lb.example.com"),
                LoadBalancerAddress(ip: IPAddress("2001:db8::1"), hostname: "lb6.example.com"),
            ]
        )
        #expect(decoded.object == .ingress(ingress))
    }

    @Test func everyFieldOfAnIngressClassIsRead() throws {
        let decoded = try DecodingTests.protobuf(.ingressClass, RecordedProtobuf.ingressClass)
        let ingressClass = IngressClass(
            metadata: ObjectMeta(
                name: ObjectName(namespace: "", name: "fairlead"),
                annotations: ["fairlead.dev/ssl-redirect": "true"], creationTimestamp: Self.created),
            controller: "fairlead.dev/ingress-controller", isDefault: true, hasParameters: true)
        #expect(decoded.object == .ingressClass(ingressClass))
    }

    @Test(arguments: [#""annotations":{"ingressclass.kubernetes.io/is-default-class":"True"}"#, #""uid":"x""#])
    func aClassIsTheDefaultOnlyIfItSaysTrue(metadata: String) throws {
        let decoded = try DecodingTests.json(.ingressClass, #"{"metadata":{"name":"a",\#(metadata)},"spec":{}}"#)
        let name = ObjectName(namespace: "", name: "a")
        #expect(decoded.object == .ingressClass(IngressClass(metadata: ObjectMeta(name: name), controller: "")))
        #expect(decoded.notes.isEmpty)
    }

    @Test func whatIsReadOfASecret() throws {
        let decoded = try DecodingTests.protobuf(.secret, RecordedProtobuf.secret)
        let secret = Secret(
            metadata: ObjectMeta(
                name: ObjectName(namespace: "shop", name: "shop-tls"), creationTimestamp: Self.created),
            certificate: Array("-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n".utf8),
            key: [1, 0xff] + Array("key".utf8), authority: Array("authority".utf8))
        #expect(decoded.object == .secret(secret))
    }

    /// Other data is nothing that this program should hold.
    @Test func ofAForeignSecretNothingIsKept() throws {
        let decoded = try DecodingTests.protobuf(.secret, RecordedProtobuf.foreignSecret)
        let name = ObjectName(namespace: "shop", name: "sh.helm.release.v1.shop.v1")
        let secret = Secret(
            metadata: ObjectMeta(name: name, creationTimestamp: Self.created),
            type: SecretType(rawValue: "helm.sh/release.v1"))
        #expect(decoded.object == .secret(secret))
        #expect(try DecodingTests.json(.secret, RecordedJSON.foreignSecret) == decoded)
        let manifest = ManifestDecoder.decode(Array(RecordedJSON.foreignSecret.utf8), file: "a.json")
        #expect(manifest.objects.map(\.object) == [.secret(secret)] && manifest.problems.isEmpty)
    }

    @Test func aSecretOfNoTypeIsOpaque() throws {
        let text = #"{"metadata":{"name":"a","namespace":"b"},"data":{"tls.key":"AQ==","tls.crt":""}}"#
        let decoded = try DecodingTests.json(.secret, text)
        guard case .secret(let secret) = decoded.object else { throw Unexpected(decoded) }
        #expect(secret.type == .opaque && secret.key == [1] && secret.certificate == [] && secret.authority == nil)
    }

    /// What is wrong with a Secret is said without its content.
    @Test(arguments: [#"{"tls.key":"%hunter2%"}"#, #"{"tls.key":7}"#, #""hunter2""#, #"["hunter2"]"#])
    func badDataIsNotShown(data: String) throws {
        let text = #"{"metadata":{"name":"a","namespace":"b"},"type":"kubernetes.io/tls","data":\#(data)}"#
        let error = #expect(throws: WireError.self) { try DecodingTests.json(.secret, text) }
        let description = "\(try #require(error))"
        #expect(!description.contains("hunter2") && description.contains("Secret"))
        for problem in ManifestDecoder.decode(
            Array(#"{"apiVersion":"v1","kind":"Secret",\#(text.dropFirst())"#.utf8), file: "a.json"
        ).problems {
            #expect(!problem.description.contains("hunter2"), "\(problem.line)")
        }
    }

    // MARK: Objects that no API server would take today

    private struct Unexpected: Error {
        let decoded: DecodedObject
        init(_ decoded: DecodedObject) { self.decoded = decoded }
    }

    private static func ingress(_ spec: String, status: String = "{}") throws -> (Ingress, [String]) {
        let text = #"{"metadata":{"name":"web","namespace":"shop"},"spec":\#(spec),"status":\#(status)}"#
        let decoded = try DecodingTests.json(.ingress, text)
        guard case .ingress(let ingress) = decoded.object else { throw Unexpected(decoded) }
        return (ingress, decoded.notes)
    }

    private static let backend = #""backend":{"service":{"name":"web","port":{"number":80}}}"#
    private static let web = IngressBackend.service(name: "web", port: .number(80))

    private static func rules(_ path: String) -> String {
        #"{"rules":[{"host":"a.example","http":{"paths":[\#(path)]}}]}"#
    }

    @Test func nothingAtAllIsAnIngress() throws {
        let name = ObjectName(namespace: "shop", name: "web")
        for spec in ["{}", "null", #"{"rules":null,"tls":null}"#, #"{"ingressClassName":""}"#] {
            let (ingress, notes) = try Self.ingress(spec)
            #expect(ingress == Ingress(metadata: ObjectMeta(name: name)) && notes.isEmpty)
        }
    }

    @Test func aPathWithoutATypeIsImplementationSpecific() throws {
        let (ingress, notes) = try Self.ingress(Self.rules(#"{\#(Self.backend)},{"path":"/a",\#(Self.backend)}"#))
        #expect(
            ingress.rules.first?.paths == [
                IngressPath(path: "", pathType: .implementationSpecific, backend: Self.web),
                IngressPath(path: "/a", pathType: .implementationSpecific, backend: Self.web),
            ])
        #expect(notes.isEmpty)
    }

    /// A path that is left out leaves a rule that has paths: it must not become one without.
    @Test(arguments: [
        (#"{"pathType":"Regex","path":"/a",\#(Self.backend)}"#, #".pathType: is not known: "Regex""#),
        (#"{"pathType":"Exact","path":"a",\#(Self.backend)}"#, #".path: must begin with '/', not "a""#),
        (#"{"pathType":"Prefix",\#(Self.backend)}"#, #".path: must begin with '/', not """#),
        (#"{"path":"a",\#(Self.backend)}"#, #".path: must begin with '/', not "a""#),
        (#"{"pathType":"Prefix","path":"/a//b",\#(Self.backend)}"#, #".path: must not contain '//': "/a//b""#),
        (#"{"pathType":"Exact","path":"/a%2fb",\#(Self.backend)}"#, #".path: must not contain '%2f': "/a%2fb""#),
        (#"{"pathType":"Exact","path":"/a/..",\#(Self.backend)}"#, #".path: must not end with '/..': "/a/..""#),
        (#"{"pathType":"Exact","path":"/a"}"#, ".backend: is required"),
        (#"{"path":"/a","backend":{}}"#, ".backend: needs a service or a resource"),
        (
            #"{"path":"/a","backend":{"service":{"name":"web","port":{"number":80}},"resource":{"kind":"A","name":"b"}}}"#,
            ".backend: must not have both a service and a resource"
        ),
        (#"{"path":"/a","backend":{"service":{"port":{"number":80}}}}"#, ".backend.service.name: is required"),
        (#"{"path":"/a","backend":{"service":{"name":"web"}}}"#, ".backend.service.port: needs a name or a number"),
        (
            #"{"path":"/a","backend":{"service":{"name":"web","port":{"number":80,"name":"http"}}}}"#,
            ".backend.service.port: must not have both a name and a number"
        ),
        (
            #"{"path":"/a","backend":{"service":{"name":"web","port":{"number":65536}}}}"#,
            ".backend.service.port.number: must be between 1 and 65535, not 65536"
        ),
        (
            #"{"path":"/a","backend":{"service":{"name":"web","port":{"number":-1}}}}"#,
            ".backend.service.port.number: must be between 1 and 65535, not -1"
        ),
    ])
    func aPathThatCannotBeServedIsLeftOut(path: String, note: String) throws {
        let (ingress, notes) = try Self.ingress(Self.rules(path))
        #expect(ingress.rules == [IngressRule(host: "a.example", paths: [])])
        #expect(notes == ["spec.rules[0].http.paths[0]\(note)"])
        // The others count.
        let good = #"{"path":"/good","pathType":"Prefix",\#(Self.backend)}"#
        #expect(
            try Self.ingress(Self.rules("\(path),\(good)")).0.rules.first?.paths == [
                IngressPath(path: "/good", backend: Self.web)
            ])
    }

    @Test func aRuleWithoutPathsIsNotOneWithoutHTTP() throws {
        let (ingress, notes) = try Self.ingress(#"{"rules":[{"http":{}},{"http":{"paths":[]}},{"http":null},{}]}"#)
        #expect(ingress.rules.map(\.paths) == [[], [], nil, nil])
        #expect(notes.isEmpty)
    }

    @Test func aRuleForNoHostIsLeftOut() throws {
        let hosts = ["*", "*.", "a.*.example", "192.0.2.1", "a:80", "a_b", "A.Example", "*.A.Example", "a.example."]
        let list = hosts.map { #"{"host":"\#($0)"}"# }.joined(separator: ",")
        let (ingress, notes) = try Self.ingress(#"{"rules":[\#(list)]}"#)
        #expect(ingress.rules.map(\.host) == ["A.Example", "*.A.Example"])
        #expect(notes.count == 7 && notes.allSatisfy { $0.hasPrefix("spec.rules[") })
    }

    /// Without any host the certificate would be for all of them.
    @Test func hostsOfTLSThatAreNoneAreLeftOut() throws {
        let (ingress, notes) = try Self.ingress(
            #"{"tls":[{"hosts":["*"],"secretName":"a"},{"hosts":["*","b.example"],"secretName":"b"},{"secretName":"x/y"}]}"#
        )
        #expect(
            ingress.tls == [IngressTLS(hosts: ["b.example"], secretName: "b"), IngressTLS(secretName: "x/y")])
        #expect(
            notes.map { $0.prefix { $0 != " " } } == [
                "spec.tls[0].hosts[0]:", "spec.tls[1].hosts[0]:", "spec.tls[2].secretName:",
            ])
    }

    @Test func aDefaultBackendThatLeadsNowhereIsNone() throws {
        let (ingress, notes) = try Self.ingress(#"{"defaultBackend":{"service":{"name":"web","port":{}}}}"#)
        #expect(ingress.defaultBackend == nil)
        #expect(notes == ["spec.defaultBackend.service.port: needs a name or a number"])
    }

    @Test func statusIsReadAsFarAsItGoes() throws {
        let status = #"{"loadBalancer":{"ingress":[{"ip":"x"},{},{"ip":"192.0.2.7"},{"ip":"y","hostname":"b"}]}}"#
        let (ingress, notes) = try Self.ingress("{}", status: status)
        #expect(
            ingress.loadBalancer == [
                LoadBalancerAddress(ip: IPAddress(192, 0, 2, 7)), LoadBalancerAddress(hostname: "b"),
            ])
        #expect(notes.count == 2)
    }

    // MARK: Ports of Services

    @Test(arguments: [
        ("80", PortReference.number(80)), (#""http""#, .name("http")), ("0", nil), (#""""#, nil), ("null", nil),
        ("70000", nil), ("-1", nil), ("1.5", nil), ("true", nil), ("[1]", nil), ("{}", nil), ("1e300", nil),
    ])
    func targetPorts(text: String, port: PortReference?) throws {
        let json = #"{"metadata":{"name":"a","namespace":"b"},"spec":{"ports":[{"port":1,"targetPort":\#(text)}]}}"#
        let decoded = try DecodingTests.json(.service, json)
        guard case .service(let service) = decoded.object else { throw Unexpected(decoded) }
        #expect(service.ports == [ServicePort(port: 1, targetPort: port)])
    }

    @Test(arguments: [("ExternalName", "db.example.com"), ("ClusterIP", nil)])
    func anExternalNameCountsForThatTypeAlone(type: String, name: String?) throws {
        let json =
            #"{"metadata":{"name":"a","namespace":"b"},"spec":{"type":"\#(type)","externalName":"db.example.com"}}"#
        let decoded = try DecodingTests.json(.service, json)
        guard case .service(let service) = decoded.object else { throw Unexpected(decoded) }
        #expect(service.externalName == name && service.ports.isEmpty && decoded.notes.isEmpty)
    }

    // MARK: Bytes

    /// A list of two, in pieces of one byte and all at once.
    @Test(arguments: DecodingTests.objects)
    func everyCutOfAListGivesTheSame(kind: ObjectKind, protobuf: [UInt8], json: String) throws {
        let one = try DecodingTests.protobuf(kind, protobuf)
        let items = Wrapped.field(2, protobuf)
        let list = Wrapped.field(1, Wrapped.field(2, Array("90".utf8))) + items + items
        let text = #"{"kind":"\#(kind.rawValue)List","metadata":{"resourceVersion":"90"},"items":[\#(json),\#(json)]}"#
        let bodies: [(WireFormat, [UInt8])] = [
            (.protobuf, Wrapped.envelope(kind.apiVersion, "\(kind.rawValue)List", list)), (.json, Array(text.utf8)),
        ]
        for (format, body) in bodies {
            var decoder = ObjectListDecoder(kind: kind, format: format)
            var objects: [DecodedObject] = []
            for byte in body { objects += try decoder.append([byte]) }
            let end = try decoder.finish()
            #expect(objects + end.objects == [one, one] && end.resourceVersion == "90")
        }
    }

    /// Every beginning of an object decodes or is refused.
    @Test(arguments: DecodingTests.objects)
    func everyBeginningIsAnObjectOrAnError(kind: ObjectKind, protobuf: [UInt8], json: String) throws {
        let whole = protobuf.indices.filter { length in
            let bytes = Wrapped.envelope(kind.apiVersion, kind.rawValue, Array(protobuf[..<length]))
            return (try? DecodedObject(decoding: bytes, kind: kind, format: .protobuf)) != nil
        }
        // Between its fields alone, and never before the metadata.
        #expect(whole == Array(Wrapped.ends(ofFieldsIn: protobuf).dropLast()))
        for length in json.utf8.indices.dropFirst() {
            let bytes = Array(json.utf8[..<length])
            #expect(throws: WireError.self) { try DecodedObject(decoding: bytes, kind: kind, format: .json) }
        }
    }
}
