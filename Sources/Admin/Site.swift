package import Linux
internal import Networking

/// Pages at one address, `/healthz` and `/livez`, say; or what else is answered there.
package struct Site: Sendable {
    package typealias Page = @Sendable () -> Answer

    /// Where it is.
    enum Place: Sendable {
        case address(BindAddress)
        case socket(UnixListener)
    }

    /// As the log calls it: `health` for "the health port".
    package let name: String
    let place: Place
    /// Whether the process ends if the address cannot be listened on; otherwise that is tried again.
    package let isRequired: Bool
    let answer: @Sendable (Request) -> Answer

    package init(name: String, address: BindAddress, isRequired: Bool = false, pages: [String: Page]) {
        self.name = name
        self.place = .address(address)
        self.isRequired = isRequired
        self.answer = { Self.answer($0, pages) }
    }

    package init(name: String, address: BindAddress, isRequired: Bool, answer: @escaping @Sendable (Request) -> Answer)
    {
        self.name = name
        self.place = .address(address)
        self.isRequired = isRequired
        self.answer = answer
    }

    /// - Parameters:
    ///   - socket: on which is listened already, so that nothing is in the way any more.
    ///   - answer: called on the server's thread, which answers nobody else meanwhile.
    package init(name: String, socket: UnixListener, answer: @escaping @Sendable (Request) -> Answer) {
        self.name = name
        self.place = .socket(socket)
        self.isRequired = true
        self.answer = answer
    }

    private static func answer(_ request: Request, _ pages: [String: Page]) -> Answer {
        guard let page = pages[request.path] else { return .text("404 page not found\n", status: .notFound) }
        guard request.method == "GET" || request.method == "HEAD" else {
            return .text(
                "405 method not allowed\n", status: .methodNotAllowed, fields: [Answer.Field("Allow", "GET, HEAD")])
        }
        return page()
    }
}
