import KubernetesAPI
import Routing
import TLS
import Testing

@testable import IngressControl

@Suite struct CertificateStoreTests {
    /// Expectations take no calls that change a value.
    private final class Store {
        private var value = CertificateStore()

        func update(_ name: ObjectName, _ secret: Secret?) -> Bool { self.value.update(name, secret) }
        func want(_ names: [ObjectName]) -> [ObjectName] { self.value.want(names) }
        func keep(_ names: Set<ObjectName>) { self.value.keep(names) }
        func reading(_ name: ObjectName) -> CertificateStore.Reading? { self.value.reading(name) }
        func authorities(of name: ObjectName) -> CertificateAuthorities? { self.value.authorities(of: name) }
        func policy(for wanted: ClientAuthentication) -> ClientCertificatePolicy? { self.value.policy(for: wanted) }
    }

    private static let name = ObjectName(namespace: "default", name: "shop")
    private static let other = ObjectName(namespace: "other", name: "copy")

    private static func secret(
        _ name: ObjectName = Self.name, _ certificate: TestCertificate? = .shop, key: [UInt8]? = nil,
        authority: [UInt8]? = nil
    ) -> Secret {
        Secret(
            metadata: ObjectMeta(name: name), certificate: certificate?.chain, key: key ?? certificate?.key,
            authority: authority)
    }

    @Test func `what nobody wants is not read`() {
        let store = Store()
        #expect(!store.update(Self.name, Self.secret()))
        #expect(store.reading(Self.name) == nil)
        #expect(store.want([Self.name]) == [Self.name])
        #expect(store.reading(Self.name)?.facts.names == ["shop.example", "*.shop.example"])
        #expect(store.reading(Self.name)?.facts.problem == nil)
        // It is wanted already.
        #expect(store.want([Self.name]).isEmpty)
    }

    @Test func `an unchanged Secret keeps its certificate, and a changed one has another`() throws {
        let store = Store()
        _ = store.want([Self.name])
        #expect(store.update(Self.name, Self.secret()))
        let first = try #require(store.reading(Self.name)?.certificate)
        #expect(!store.update(Self.name, Self.secret()))
        #expect(store.reading(Self.name)?.certificate === first)
        #expect(store.update(Self.name, Self.secret(Self.name, .shopRenewed)))
        let second = try #require(store.reading(Self.name)?.certificate)
        #expect(second !== first)
        #expect(second.facts.fingerprint != first.facts.fingerprint)
        #expect(store.update(Self.name, nil))
        #expect(store.reading(Self.name) == nil)
    }

    @Test func `Secrets with the same content share a certificate`() {
        let store = Store()
        _ = store.want([Self.name, Self.other])
        _ = store.update(Self.name, Self.secret())
        _ = store.update(Self.other, Self.secret(Self.other))
        #expect(store.reading(Self.name)?.certificate != nil)
        #expect(store.reading(Self.name)?.certificate === store.reading(Self.other)?.certificate)
    }

    static let broken: [(String, Secret, String)] = [
        ("nothing", Self.secret(Self.name, nil), "it has no tls.crt and no tls.key"),
        (
            "no key", Secret(metadata: ObjectMeta(name: Self.name), certificate: TestCertificate.shop.chain),
            "no tls.key"
        ),
        ("another's key", Self.secret(Self.name, .shop, key: TestCertificate.blog.key), "not the key"),
        ("garbage", Secret(metadata: ObjectMeta(name: Self.name), certificate: [1, 2], key: [3]), "no PEM block"),
    ]

    @Test(arguments: Self.broken)
    func `what is wrong with a Secret is among its facts`(what: String, secret: Secret, words: String) throws {
        let store = Store()
        _ = store.want([Self.name])
        #expect(store.update(Self.name, secret))
        let reading = try #require(store.reading(Self.name))
        #expect(reading.certificate == nil)
        #expect(reading.facts.problem?.contains(words) == true, "\(what): \(reading.facts.problem ?? "-")")
    }

    @Test func `an expired certificate is served`() throws {
        let store = Store()
        _ = store.want([Self.name])
        _ = store.update(Self.name, Self.secret(Self.name, .expired))
        let reading = try #require(store.reading(Self.name))
        #expect(reading.certificate != nil)
        #expect(reading.facts.problem == nil)
        // 2021-01-01.
        #expect(reading.facts.notAfter == 1_609_459_200)
    }

    // MARK: - Certificates of clients

    @Test func `policies are made of ca crt, and kept while that is the same`() throws {
        let store = Store()
        _ = store.want([Self.name])
        let wanted = ClientAuthentication(secret: Self.name, mode: .optional, depth: 2)
        #expect(store.policy(for: wanted) == nil)
        _ = store.update(Self.name, Self.secret(authority: TestCertificate.blog.chain))
        #expect(store.reading(Self.name)?.facts.authorityProblem == nil)
        let first = try #require(store.policy(for: wanted))
        #expect(first.mode == .optional && first.depth == 2)
        #expect(store.policy(for: wanted) === first)
        #expect(store.policy(for: ClientAuthentication(secret: Self.name))?.mode == .required)
        _ = store.update(Self.name, Self.secret(authority: TestCertificate.shop.chain))
        let second = try #require(store.policy(for: wanted))
        #expect(second.id != first.id)
        var unusable = wanted
        unusable.isUsable = false
        #expect(store.policy(for: unusable) == nil)
    }

    @Test func `a Secret without authorities, or with bad ones, says so`() {
        let store = Store()
        _ = store.want([Self.name])
        _ = store.update(Self.name, Self.secret())
        #expect(store.reading(Self.name)?.facts.authorityProblem == "it has no ca.crt")
        _ = store.update(Self.name, Self.secret(authority: Array("nonsense".utf8)))
        #expect(store.reading(Self.name)?.facts.authorityProblem?.contains("CA bundle") == true)
        #expect(store.policy(for: ClientAuthentication(secret: Self.name)) == nil)
    }

    @Test func `authorities that endpoints are verified with are kept until the Secret says otherwise`() throws {
        let store = Store()
        _ = store.want([Self.name])
        #expect(store.authorities(of: Self.name) == nil)
        _ = store.update(Self.name, Self.secret(authority: TestCertificate.blog.chain))
        let first = try #require(store.authorities(of: Self.name))
        #expect(first.facts.first?.dnsNames == ["blog.example"])
        #expect(store.authorities(of: Self.name) === first)
        _ = store.update(Self.name, Self.secret(authority: TestCertificate.shop.chain))
        #expect(store.authorities(of: Self.name)?.facts.first?.dnsNames.first == "shop.example")
        _ = store.update(Self.name, Self.secret(authority: Array("nonsense".utf8)))
        #expect(store.authorities(of: Self.name) == nil)
    }

    /// A renewed certificate says the same of itself; what was made of the old one has to be made again.
    @Test func `another content is another version`() {
        let store = Store()
        _ = store.want([Self.name])
        _ = store.update(Self.name, Self.secret())
        let first = store.reading(Self.name)?.facts
        #expect(first?.holdsCertificate == true)
        _ = store.update(Self.name, Self.secret())
        #expect(store.reading(Self.name)?.facts == first)
        _ = store.update(Self.name, Self.secret(Self.name, .shopRenewed))
        #expect(store.reading(Self.name)?.facts.names == first?.names)
        #expect(store.reading(Self.name)?.facts.version != first?.version)
        // Authorities alone are no broken certificate; half of one is.
        _ = store.update(Self.name, Self.secret(Self.name, nil, key: [], authority: TestCertificate.blog.chain))
        #expect(store.reading(Self.name)?.facts.holdsCertificate == false)
        #expect(store.reading(Self.name)?.facts.authorityProblem == nil)
        _ = store.update(Self.name, Self.secret(Self.name, nil, key: [1]))
        #expect(store.reading(Self.name)?.facts.holdsCertificate == true)
        #expect(store.reading(Self.name)?.facts.problem != nil)
    }

    @Test func `what nobody asks for any more is let go`() {
        let store = Store()
        let names = (0..<200).map { ObjectName(namespace: "default", name: "s\($0)") }
        for name in names { _ = store.update(name, Self.secret(name)) }
        #expect(store.want(names).count == 200)
        store.keep(Set(names.prefix(80)))
        #expect(store.reading(names[199]) != nil)
        store.keep(Set(names.prefix(10)))
        #expect(store.reading(names[9])?.certificate != nil)
        #expect(store.reading(names[10]) == nil)
        #expect(store.want([names[10]]) == [names[10]])
    }

    @Test func `the Secrets that an Ingress may lead to`() {
        let ingress = Ingress(
            metadata: ObjectMeta(
                name: ObjectName(namespace: "shop", name: "web"),
                annotations: [
                    KnownKey.ownPrefix + "auth-tls-secret": "shop/clients",
                    KnownKey.ownPrefix + "proxy-ssl-secret": "back",
                ]),
            tls: [IngressTLS(hosts: ["a"], secretName: "a"), IngressTLS(), IngressTLS(secretName: "b")])
        #expect(ingress.secrets.map(\.description).sorted() == ["shop/a", "shop/b", "shop/back", "shop/clients"])
    }
}

@Suite struct CertificateExpiryTests {
    private static let day: Int64 = 86_400

    private static func item(_ name: String, _ notAfter: Int64) -> CertificateExpiry.Item {
        CertificateExpiry.Item(secret: ObjectName(namespace: "default", name: name), notAfter: notAfter)
    }

    static let stages: [(Int64, CertificateExpiry.Stage)] = [
        (0, .expired), (1, .expiring), (1_209_600, .expiring), (1_209_601, .valid), (-86_400, .expired),
    ]

    @Test(arguments: Self.stages)
    func `how far it is`(left: Int64, stage: CertificateExpiry.Stage) {
        let now: Int64 = 1_800_000_000
        #expect(CertificateExpiry(notice: .seconds(14 * Self.day)).stage(of: now + left, at: now) == stage)
    }

    @Test func `each stage of each certificate is said once`() {
        var expiry = CertificateExpiry(notice: .seconds(14 * Self.day))
        let (first, second) = (Self.item("a", 20 * Self.day), Self.item("b", 10 * Self.day))
        func stages(_ items: [CertificateExpiry.Item], day: Int64) -> [String] {
            expiry.look(at: items, now: day * Self.day).map { "\($0.item.secret.name) \($0.stage.rawValue)" }
        }
        #expect(stages([first, second], day: 0) == ["b expiring"])
        #expect(stages([first, second], day: 1) == [])
        #expect(stages([first, second], day: 6) == ["a expiring"])
        #expect(stages([first, second], day: 10) == ["b expired"])
        #expect(stages([first, second], day: 11) == [])
        // One that is not served for a while and then is again is news again.
        #expect(stages([second], day: 12) == [])
        #expect(stages([first, second], day: 12) == ["a expiring"])
    }
}
