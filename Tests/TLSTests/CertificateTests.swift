import Linux
import TLS
import Testing

@Suite struct CertificateTests {
    @Test(arguments: [
        (TestKey.p256, Certificate.KeyKind.p256), (.p384, .p384), (.rsa2048, .rsa(bits: 2048)), (.ed25519, .ed25519),
    ])
    func keysThatAreServed(key: TestKey, kind: Certificate.KeyKind) throws {
        let identity = try TestAuthority("root").issue("a.example", key: key)
        #expect(try identity.loaded().keyKind == kind)
    }

    @Test func factsOfACertificate() throws {
        let root = try TestAuthority("Root, Inc.")
        let identity = try root.issue(
            .init(
                commonName: "shop", names: ["Shop.Example", "*.shop.example", "IP:10.0.0.1"], notBefore: -2, notAfter: 5
            ))
        let certificate = try identity.loaded(chain: root.identity.certificate)
        let facts = certificate.facts
        #expect(facts.subject == "CN=shop")
        #expect(facts.issuer == "CN=Root\\, Inc.")
        #expect(facts.dnsNames == ["shop.example", "*.shop.example"])
        #expect(facts.fingerprint.count == 64)
        #expect(certificate.chainLength == 2)
        let now = WallTime.now.seconds
        #expect(abs(facts.notBefore - (now - 2 * 86_400)) < 60)
        #expect(abs(facts.notAfter - (now + 5 * 86_400)) < 60)
    }

    /// Spec T6: what a certificate covers.
    @Test(arguments: [
        ("shop.example", true), ("SHOP.example", true), ("a.shop.example", true), ("a.b.shop.example", false),
        ("*.shop.example", true), ("other.example", false), (".shop.example", false), ("example", false),
    ])
    func coversANameOrOneLabelOfAWildcard(name: String, covered: Bool) throws {
        let facts = try TestAuthority("root").issue("shop.example", "*.shop.example").loaded().facts
        #expect(facts.covers(name) == covered)
    }

    @Test func theCommonNameCountsOnlyWithoutAlternativeNames() throws {
        let root = try TestAuthority("root")
        let old = try root.issue(.init(commonName: "Old.example")).loaded()
        #expect(old.facts.dnsNames == ["old.example"])
        let addressOnly = try root.issue(.init(commonName: "old.example", names: ["IP:10.0.0.1"])).loaded()
        #expect(addressOnly.facts.dnsNames == [])
        let company = try root.issue(.init(commonName: "A Company")).loaded()
        #expect(company.facts.dnsNames == [])
    }

    @Test(arguments: ["PKCS8", "TRADITIONAL"], [TestKey.p256, .rsa2048])
    func formsOfKeys(form: String, kind: TestKey) throws {
        let identity = try TestAuthority("root").issue("a.example", key: kind)
        let key = form == "PKCS8" ? identity.key : try TestAuthority.rewrite(identity.key, as: form)
        let label = String(decoding: key, as: UTF8.self).prefix(32)
        #expect(label.contains(form == "PKCS8" ? "BEGIN PRIVATE" : kind == .p256 ? "BEGIN EC" : "BEGIN RSA"))
        _ = try Certificate(chain: identity.certificate, key: key)
    }

    @Test func textAroundBlocksAndParametersBeforeAKeyAreSkipped() throws {
        let identity = try TestAuthority("root").issue("a.example")
        let parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
        let noise = Array("subject=CN = a.example\n\n".utf8)
        let certificate = try Certificate(
            chain: noise + identity.certificate + noise, key: Array(parameters.utf8) + noise + identity.key)
        #expect(certificate.facts.dnsNames == ["a.example"])
        // One file with both, as HAProxy wants it.
        let both = identity.key + identity.certificate
        _ = try Certificate(chain: both, key: both)
    }

    @Test func anExpiredCertificateIsAccepted() throws {
        let identity = try TestAuthority("root").issue(.init(names: ["a.example"], notBefore: -9, notAfter: -2))
        #expect(try identity.loaded().facts.notAfter < WallTime.now.seconds)
    }

    @Test func theDefaultCertificate() throws {
        let certificate = try Certificate.selfSigned()
        #expect(certificate.facts.subject == "CN=Fairlead Default Certificate")
        #expect(certificate.facts.issuer == certificate.facts.subject)
        #expect(certificate.facts.dnsNames == ["fairlead.invalid"])
        #expect(certificate.keyKind == .p256)
        let days = (certificate.facts.notAfter - WallTime.now.seconds) / 86_400
        #expect(days == 364 || days == 365)
        #expect(try certificate.facts.serialNumber != Certificate.selfSigned().facts.serialNumber)
    }

    // MARK: - What is refused

    struct Damage: Sendable, CustomTestStringConvertible {
        let name: String
        let code: CertificateError.Code
        let part: CertificateError.Part
        let block: Int?
        let chain: @Sendable (TestIdentity) throws -> [UInt8]
        let key: @Sendable (TestIdentity) throws -> [UInt8]

        var testDescription: String { self.name }

        init(
            _ name: String, _ code: CertificateError.Code, _ part: CertificateError.Part, block: Int? = nil,
            chain: @escaping @Sendable (TestIdentity) throws -> [UInt8] = { $0.certificate },
            key: @escaping @Sendable (TestIdentity) throws -> [UInt8] = { $0.key }
        ) {
            self.name = name
            self.code = code
            self.part = part
            self.block = block
            self.chain = chain
            self.key = key
        }
    }

    private static let badBlock = Array("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".utf8)

    static let damages = [
        Damage("empty chain", .missing, .chain, chain: { _ in [] }),
        Damage("no PEM", .missing, .chain, chain: { _ in Array("hello".utf8) }),
        Damage("the key as chain", .missing, .chain, chain: { $0.key }),
        Damage("not DER", .malformed, .chain, block: 2, chain: { $0.certificate + badBlock }),
        Damage("cut off", .malformed, .chain, block: 1, chain: { Array($0.certificate.dropLast(60)) }),
        Damage(
            "not base64", .malformed, .chain, block: 1,
            chain: { Array(String(decoding: $0.certificate, as: UTF8.self).replacing("\nMII", with: "\n!!!").utf8) }),
        Damage(
            "too many", .tooLarge, .chain, block: 17,
            chain: { identity in (0..<17).flatMap { _ in identity.certificate } }),
        Damage("too long", .tooLarge, .chain, chain: { _ in [UInt8](repeating: 0x20, count: 600 << 10) }),
        Damage("empty key", .missing, .key, key: { _ in [] }),
        Damage("the certificate as key", .missing, .key, key: { $0.certificate }),
        Damage(
            "encrypted, PKCS #8", .encryptedKey, .key, block: 1,
            key: { try TestAuthority.rewrite($0.key, as: "ENCRYPTED") }),
        Damage(
            "encrypted, traditional", .encryptedKey, .key, block: 1,
            key: { try TestAuthority.rewrite($0.key, as: "LEGACY") }),
        Damage(
            "not a key", .malformed, .key, block: 1,
            key: { _ in Array("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".utf8) }),
        Damage("cut key", .malformed, .key, block: 1, key: { Array($0.key.dropLast(40)) }),
        Damage("another key", .keyMismatch, .key, key: { _ in try TestAuthority("x").issue("b.example").key }),
        Damage(
            "another kind of key", .keyMismatch, .key,
            key: { _ in try TestAuthority("x").issue("b.example", key: .rsa2048).key }),
    ]

    @Test(arguments: damages)
    func whatIsRefusedAndWhy(damage: Damage) throws {
        let identity = try TestAuthority("root").issue("a.example")
        let key = try damage.key(identity)
        let chain = try damage.chain(identity)
        let error = #expect(throws: CertificateError.self) { try Certificate(chain: chain, key: key) }
        #expect(error?.code == damage.code, "\(error?.description ?? "")")
        #expect(error?.part == damage.part)
        #expect(error?.block == damage.block)
        let text = error?.description ?? ""
        #expect(text.hasPrefix(damage.part.rawValue))
        for line in String(decoding: identity.key, as: UTF8.self).split(separator: "\n").dropFirst().dropLast() {
            #expect(!text.contains(line))
        }
    }

    @Test(arguments: [(TestKey.p521, CertificateError.Code.unsupportedKey), (.rsa1024, .tooWeak)])
    func keysThatAreNotServed(key: TestKey, code: CertificateError.Code) throws {
        let identity = try TestAuthority("root").issue("a.example", key: key)
        let error = #expect(throws: CertificateError.self) { try identity.loaded() }
        #expect(error?.code == code, "\(error?.description ?? "")")
    }

    /// One bad certificate leaves nothing behind that spoils the next.
    @Test func aGoodOneAfterABadOne() throws {
        let identity = try TestAuthority("root").issue("a.example")
        for _ in 0..<3 {
            #expect(throws: CertificateError.self) { try Certificate(chain: identity.certificate, key: [1, 2, 3]) }
            _ = try identity.loaded()
        }
    }
}
