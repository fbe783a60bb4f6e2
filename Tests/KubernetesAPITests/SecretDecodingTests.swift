import KubernetesAPI
import Testing

@Suite struct SecretDecodingTests {
    /// A Secret `default/web` with these fields, whose first line is line 4.
    private static func secret(_ fields: String) -> String {
        "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\n\(fields)\n"
    }

    private static let full = Secret(
        metadata: ObjectMeta(name: ObjectName(namespace: "shop", name: "shop-tls")),
        certificate: Array("certificate".utf8), key: Array("keysecret".utf8), authority: Array("authority".utf8))

    @Test func everyFieldIsRead() {
        #expect(Manifests.problems(Manifests.secret).isEmpty)
        #expect(Manifests.firstSecret(Manifests.secret) == Self.full)
    }

    @Test func stringDataGoesOverData() throws {
        let source = Self.secret("data: {tls.key: YQ==, ca.crt: Yg==, other: '!'}\nstringData: {tls.key: c}")
        #expect(Manifests.problems(source) == ["a.yaml:4: Secret default/web: data.other: must be base64"])
        let secret = try #require(Manifests.firstSecret(source.replacing("'!'", with: "''")))
        #expect(secret.type == .opaque)
        #expect(secret.key == Array("c".utf8) && secret.authority == Array("b".utf8) && secret.certificate == nil)
    }

    @Test(arguments: ["data: {tls.key: null, tls.crt: ''}\ntype: kubernetes.io/tls", "data: null", "immutable: true"])
    func whatIsEmptyIsGood(fields: String) throws {
        #expect(Manifests.problems(Self.secret(fields)).isEmpty)
        let secret = try #require(Manifests.firstSecret(Self.secret(fields)))
        #expect(secret.certificate == (fields.contains("tls.crt") ? [] : nil) && secret.certificate == secret.key)
    }

    /// Of other types nothing is read, so nothing is wrong with them.
    @Test func otherTypesAreNobodysBusiness() throws {
        let source = Self.secret("type: kubernetes.io/basic-auth\ndata: {tls.key: '!'}\nstringData: [a]")
        #expect(Manifests.problems(source).isEmpty)
        let secret = try #require(Manifests.firstSecret(source))
        #expect(secret.type.rawValue == "kubernetes.io/basic-auth" && !secret.type.isRead && secret.key == nil)
    }

    static let bad: [BadCase] = [
        BadCase("data: {tls.key: '%hunter2%'}", "4: data[tls.key]: must be base64"),
        BadCase("data: {tls.key: aHVudGVyMg}", "4: data[tls.key]: must be base64"),
        BadCase("data: {tls.key: 72}", "4: data[tls.key]: must be a string; put it in quotes"),
        BadCase("data: {tls.key: {hunter2: hunter2}}", "4: data[tls.key]: must be a string; put it in quotes"),
        BadCase("stringData: {tls.key: 72}", "4: stringData[tls.key]: must be a string; put it in quotes"),
        BadCase("stringData: {tls.key: yes}", "4: stringData[tls.key]: must be a string; put it in quotes"),
        BadCase("data: hunter2", "4: data: must be a mapping"),
        BadCase("data: [hunter2]", "4: data: must be a mapping"),
        BadCase("stringData: 72", "4: stringData: must be a mapping"),
        BadCase(
            "data: {'hunter2 hunter2': YQ==}",
            "4: data: has a key that is none: letters, digits, '-', '_' and '.' may be in it"),
        BadCase(
            "data: {[hunter2]: YQ==}",
            "4: data: has a key that is none: letters, digits, '-', '_' and '.' may be in it"),
        BadCase("data: {a: YQ==, a: hunter2}", "4: data.a: given twice"),
        BadCase(
            "type: kubernetes.io/tls\ndata: {tls.crt: YQ==}",
            "1: data[tls.key]: is required when type is kubernetes.io/tls"),
        BadCase(
            "type: kubernetes.io/tls", "1: data[tls.crt]: is required when type is kubernetes.io/tls"),
        BadCase("type: 7", "4: type: must be a string, not the number 7; put it in quotes"),
    ]

    /// What is said of it never shows what it holds.
    @Test(arguments: bad)
    func badSecretIsReportedAndLeftOut(bad: BadCase) {
        let content = Manifests.decode(Self.secret(bad.source) + "---\n" + Manifests.service)
        let problems = content.problems.map(\.description)
        #expect(problems == bad.reports(of: "Secret default/web"))
        #expect(problems.allSatisfy { !$0.contains("hunter2") && !$0.contains("72") })
        #expect(content.objects.map(\.object.key.description) == ["Service shop/web"])
    }

    /// A password that looks like YAML.
    @Test(arguments: [
        "*hunter2", "[hunter2", "%hunter2", "@hunter2", "`hunter2", "\"hunter2", "{hunter2", "- hunter2: - x",
    ])
    func whatBreaksTheFileIsNotShown(password: String) {
        let content = Manifests.decode(Self.secret("stringData:\n  tls.key: \(password)\n"))
        #expect(content.isBroken && content.problems.count == 1)
        #expect(content.problems.allSatisfy { !$0.description.contains("hunter2") })
    }

    @Test func sizeIsLimited() {
        let source = Self.secret("stringData: {a: '\(String(repeating: "x", count: 60))', tls.key: 'yyyyy'}")
        #expect(Manifests.problems(source, limits: ManifestLimits(maximumSecretSize: 65)).isEmpty)
        #expect(
            Manifests.problems(source, limits: ManifestLimits(maximumSecretSize: 64)) == [
                "a.yaml:1: Secret default/web: data: must be at most 64 bytes in all, not 65"
            ])
        #expect(ManifestLimits().maximumSecretSize == 1 << 20)
    }

    // MARK: Nothing shows what it holds

    private static func dumped(_ value: some Any) -> String {
        var text = ""
        dump(value, to: &text)
        return text
    }

    @Test func noTextShowsItsValues() {
        let object = KubernetesObject.secret(Self.full)
        let texts = [
            "\(Self.full)", String(describing: Self.full), String(reflecting: Self.full), Self.full.debugDescription,
            "\(object)", String(reflecting: object), "\([object])", String(reflecting: ["a": object]),
            Self.dumped(Self.full), Self.dumped(object), Self.dumped([object]),
            "\(Mirror(reflecting: Self.full).children.map { "\($0.value)" })",
        ]
        for text in texts {
            #expect(text.contains("shop-tls"))
            for value in ["certificate", "keysecret", "authority"] {
                // As text, and as the numbers that bytes are printed as.
                #expect(!text.contains(value), "\(text)")
                #expect(!text.contains(Array(value.utf8).prefix(3).map { "\($0)" }.joined(separator: ", ")))
                for byte in value.utf8 { #expect(!text.contains(" \(byte)\n"), "\(text)") }
            }
        }
        #expect(
            "\(Self.full)" == "Secret shop/shop-tls of type kubernetes.io/tls with tls.crt, tls.key, ca.crt")
        let name = ObjectName(namespace: "a", name: "b")
        #expect(
            "\(Secret(metadata: ObjectMeta(name: name), type: .opaque))" == "Secret a/b of type Opaque with nothing")
    }

    // MARK: Base64

    /// RFC 4648 section 10, and what its readers have to refuse.
    @Test(arguments: [
        ("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob"), ("Zm9vYmE=", "fooba"),
        ("Zm9vYmFy", "foobar"), ("Zm9v\nYmFy\r\n", "foobar"), ("Z\ng\n=\n=\n", "f"), ("Zg", nil), ("Zg=", nil),
        ("Zg===", nil), ("=", nil), ("Z===", nil), ("Zg==Zg==", nil), ("Zm=v", nil), ("Zm9v ", nil), ("Zm-_", nil),
        ("Zm9vY", nil), ("====", nil),
    ])
    func base64(text: String, decoded: String?) {
        #expect(Base64.decode(text.utf8) == decoded.map { Array($0.utf8) })
    }

    @Test func everyByteComesThrough() {
        let text =
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHSElK"
            + "S0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn+AgYKDhIWGh4iJiouMjY6PkJGSk5SV"
            + "lpeYmZqbnJ2en6ChoqOkpaanqKmqq6ytrq+wsbKztLW2t7i5uru8vb6/wMHCw8TFxsfIycrLzM3Oz9DR0tPU1dbX2Nna29zd3t/g"
            + "4eLj5OXm5+jp6uvs7e7v8PHy8/T19vf4+fr7/P3+/w=="
        #expect(Base64.decode(text.utf8) == Array(0...255))
    }
}
