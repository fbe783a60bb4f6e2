internal import Admin
internal import AdminAPI
internal import Linux
internal import Networking
internal import Observability

/// The admin API by TCP, with the dashboard: read-only, and with a token where it can be reached from elsewhere.
struct AdminPortal: Sendable {
    let interface: AdminInterface
    let registry: MetricRegistry
    /// nil: who may connect may read.
    let token: AdminToken?

    /// What the page may load: nothing but its own text and what this process answers. It is shown in no other page's frame.
    private static let policy =
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        + "frame-ancestors 'none'"

    func answer(_ request: Request) -> Answer {
        // A page of somebody else's whose name leads here (DNS rebinding) has that name.
        guard request.host.map(Self.isOwn) ?? true else {
            return .text("421 ask by address, or as localhost\n", status: .misdirected)
        }
        if request.path == "/" || request.path == "/index.html" {
            guard ["GET", "HEAD"].contains(request.method) else {
                return .text(
                    "405 method not allowed\n", status: .methodNotAllowed, fields: [Answer.Field("Allow", "GET, HEAD")])
            }
            return Answer(
                type: "text/html; charset=utf-8", Self.page,
                fields: [
                    Answer.Field("Content-Security-Policy", Self.policy),
                    Answer.Field("Referrer-Policy", "no-referrer"),
                    Answer.Field("Cache-Control", "no-cache"),
                ])
        }
        if let token, !token.admits(request.authorization) {
            let failure = APIFailure(code: 401, message: "a token is needed: `Authorization: Bearer TOKEN`")
            return .json(failure.json, status: .unauthorized, fields: [Answer.Field("WWW-Authenticate", "Bearer")])
        }
        if request.path == "/metrics" { return Answer(type: MetricRegistry.contentType, self.registry.text()) }
        return self.interface.answer(request)
    }

    private static let page = String(decoding: PackageResources.dashboard_html, as: UTF8.self)

    /// An address, or `localhost`, with or without a port.
    private static func isOwn(_ host: String) -> Bool {
        if host.hasPrefix("[") {
            return host.firstIndex(of: "]").map { IPAddress(String(host[..<$0].dropFirst())) != nil } ?? false
        }
        let name = String(host.prefix { $0 != ":" })
        return name == "localhost" || IPAddress(name) != nil
    }
}

/// What who asks has to know.
struct AdminToken: Sendable {
    private static let longest = 4_096

    private let text: [UInt8]

    /// The first line of a file.
    init(file path: String) throws(CommandFailure) {
        let content: [UInt8]
        do throws(SystemError) {
            content = try Descriptor.open(path, flags: 0).readToEnd(limit: Self.longest)
        } catch {
            throw .failed("--admin-token-file: \(error)")
        }
        let line = content.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        guard !line.isEmpty, line.allSatisfy({ 0x21...0x7e ~= $0 }) else {
            throw .failed("--admin-token-file: the first line of \(path) is no token: visible ASCII without spaces")
        }
        self.text = Array(line)
    }

    /// Takes as long for a token that is nearly right as for any other.
    func admits(_ authorization: String?) -> Bool {
        let scheme = "Bearer "
        guard let authorization, authorization.hasPrefix(scheme) else { return false }
        let given = Array(authorization.dropFirst(scheme.count).utf8)
        guard given.count == self.text.count else { return false }
        return zip(given, self.text).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
