import Bytes
import HTTP1
import Testing

/// Routing by one path and forwarding another is how access rules are passed by.
@Suite("Paths")
struct PathNormalizerTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let path: String
        /// Nil where it is refused.
        let normal: String?
        let fault: MessageFault?
        var encodedSlashes = EncodedSlashPolicy.keep

        init(_ path: String, _ normal: String, _ encodedSlashes: EncodedSlashPolicy = .keep) {
            self.path = path
            self.normal = normal
            self.fault = nil
            self.encodedSlashes = encodedSlashes
        }

        init(_ path: String, _ fault: MessageFault, _ encodedSlashes: EncodedSlashPolicy = .keep) {
            self.path = path
            self.normal = nil
            self.fault = fault
            self.encodedSlashes = encodedSlashes
        }

        var testDescription: String { "\(self.path) \(self.encodedSlashes)" }
    }

    static let rows: [Row] = [
        // Dot segments, also encoded.
        Row("/public/../admin", "/admin"),
        Row("/public/%2e%2e/admin", "/admin"),
        Row("/public/%2E./admin", "/admin"),
        Row("/public/.%2e/admin", "/admin"),
        Row("/public/./admin", "/public/admin"),
        Row("/public/%2e/admin", "/public/admin"),
        Row("/a/b/..", "/a/"),
        Row("/a/b/../", "/a/"),
        Row("/a/b/.", "/a/b/"),
        Row("/a/..", "/"),
        Row("/.", "/"),
        Row("/a/b/c/../../d", "/a/d"),
        // Above the root.
        Row("/../x", .pathAboveRoot),
        Row("/%2e%2e/x", .pathAboveRoot),
        Row("/..", .pathAboveRoot),
        Row("/a/../../x", .pathAboveRoot),
        Row("//../x", .pathAboveRoot),
        // Slashes in a row.
        Row("//admin", "/admin"),
        Row("/public//../admin", "/admin"),
        Row("/./admin", "/admin"),
        Row("///", "/"),
        Row("/a//b///c//", "/a/b/c/"),
        // Parameters.
        Row("/public/..;/admin", .hiddenDotSegment),
        Row("/public/..;x=1/admin", .hiddenDotSegment),
        Row("/public/.;/admin", .hiddenDotSegment),
        Row("/public/..%3b/admin", .hiddenDotSegment),
        Row("/public/%2e%2e%3B/admin", .hiddenDotSegment),
        Row("/public/..;", .hiddenDotSegment),
        Row("/admin;x=1", "/admin;x=1"),
        Row("/admin;..", "/admin;.."),
        Row("/a/...;/b", "/a/...;/b"),
        // Encoded slashes.
        Row("/a%2fb", "/a%2fb"),
        Row("/a%2Fb%5cc", "/a%2Fb%5cc"),
        Row("/a%2fb", .encodedSlash, .reject),
        Row("/a%5Cb", .encodedSlash, .reject),
        Row("/public/..%2fadmin", .hiddenDotSegment),
        Row("/public%2f..%2fadmin", .hiddenDotSegment),
        Row("/public%2f..", .hiddenDotSegment),
        Row("/public/..%5cadmin", .hiddenDotSegment),
        Row("/public/%2e%2e%2fadmin", .hiddenDotSegment),
        Row("/v1..2%2fx", "/v1..2%2fx"),
        Row("/a\\b", .backslash),
        Row("/..\\admin", .backslash),
        // Decoded once.
        Row("/%252e%252e%252fadmin", "/%252e%252e%252fadmin"),
        Row("/%c0%ae%c0%ae/admin", "/%c0%ae%c0%ae/admin"),
        Row("/%EF%BC%8Fadmin", "/%EF%BC%8Fadmin"),
        Row("/%61dmin", "/admin"),
        Row("/%41%7A%30%2d%5f%7E", "/Az0-_~"),
        Row("/%2525", "/%2525"),
        Row("/a%2%35", .invalidPercentEncoding),
        // Characters.
        Row("/ADMIN", "/ADMIN"),
        Row("/admin/", "/admin/"),
        Row("/admin.", "/admin."),
        Row("/admin%20", "/admin%20"),
        Row("/admin%00", .encodedNUL),
        Row("/%00", .encodedNUL),
        Row("/%zz", .invalidPercentEncoding),
        Row("/%", .invalidPercentEncoding),
        Row("/%2", .invalidPercentEncoding),
        Row("/%2g", .invalidPercentEncoding),
        Row("/%0d%0aX:%20y", "/%0d%0aX:%20y"),
        Row("/.well-known/acme-challenge/x", "/.well-known/acme-challenge/x"),
        Row("/a/.b/..c/...", "/a/.b/..c/..."),
        Row("/", "/"),
        Row("/caf%C3%A9", "/caf%C3%A9"),
        Row("/a,b;c=d!$&'()*+:@~{}|^", "/a,b;c=d!$&'()*+:@~{}|^"),
    ]

    @Test("normal or refused", arguments: PathNormalizerTests.rows)
    func normalizes(_ row: Row) throws {
        let bytes = Array("GET \(row.path)?q=%zz/../ HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        var fields = FieldTable()
        let outcome = RequestParser.parse(bytes.span, limits: MessageLimits(), fields: &fields)
        guard case .complete(let head) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        // Whatever is in the buffer already stays there.
        var scratch = ByteBuffer(capacity: 3 + row.path.utf8.count)
        scratch.append("/..")
        let path = PathNormalizer.normalize(bytes.span, head, encodedSlashes: row.encodedSlashes, into: &scratch)
        switch path {
        case .unchanged(let range):
            #expect(range == head.path)
            #expect(row.normal == row.path)
        case .rewritten(let range): #expect(scratch.contents[range].text == row.normal)
        case .refused(let refusal):
            #expect(refusal.reason == row.fault)
            #expect(refusal.status == 400)
        }
        try PathInvariants.check(Array(row.path.utf8))
    }

    @Test(
        "usual paths are not copied",
        arguments: ["/", "/index.html", "/a/b.c/d-e_f~g", "/assets/app.3f2a.js", "/a;b=c/"])
    func unchanged(_ path: String) throws {
        let bytes = Array("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        var fields = FieldTable()
        guard case .complete(let head) = RequestParser.parse(bytes.span, limits: MessageLimits(), fields: &fields)
        else {
            Issue.record("refused")
            return
        }
        var scratch = ByteBuffer()
        let normal = PathNormalizer.normalize(bytes.span, head, into: &scratch)
        #expect(normal == .unchanged(head.path))
    }

    @Test("absolute targets and asterisks have paths as well")
    func otherForms() throws {
        for (line, expected) in [
            ("GET http://a", "/"), ("GET http://a?x", "/"), ("GET http://a/b/../c", "/c"), ("OPTIONS *", "*"),
            ("OPTIONS http://a", "*"), ("OPTIONS http://a/", "/"), ("OPTIONS http://a?x", "/"),
        ] {
            let bytes = Array("\(line) HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
            var fields = FieldTable()
            let outcome = RequestParser.parse(bytes.span, limits: MessageLimits(), fields: &fields)
            guard case .complete(let head) = outcome else {
                Issue.record("\(line): \(outcome)")
                continue
            }
            var scratch = ByteBuffer(capacity: 64)
            switch PathNormalizer.normalize(bytes.span, head, into: &scratch) {
            case .unchanged(let range): #expect(bytes[range].text == expected)
            case .rewritten(let range): #expect(scratch.contents[range].text == expected)
            case .refused(let refusal): Issue.record("\(line): \(refusal)")
            }
        }
    }

    @Test("random paths are what the rules say", arguments: 0..<8)
    func random(_ seed: Int) throws {
        var cuts = Cuts([UInt8(seed)], salt: 77)
        let alphabet = [
            "/", "/", ".", ".", "%2e", "%2E", "%2f", "%5C", ";", "%3b", "a", "%61", "%25", "%", "b", "%41", "2", "e",
        ]
        for _ in 0..<3_000 {
            let path = (0..<cuts.next(14)).map { _ in alphabet[cuts.next(alphabet.count)] }.joined()
            try PathInvariants.check(Array(path.utf8))
        }
    }
}
