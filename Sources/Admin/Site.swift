internal import Networking

/// Pages at one address: `/healthz` and `/livez`, say.
package struct Site: Sendable {
    package typealias Page = @Sendable () -> Answer

    /// As the log calls it: `health` for "the health port".
    package let name: String
    package let address: BindAddress
    /// Whether the process ends if the address cannot be listened on; otherwise that is tried again.
    package let isRequired: Bool
    /// By path.
    private let pages: [String: Page]

    package init(name: String, address: BindAddress, isRequired: Bool = false, pages: [String: Page]) {
        self.name = name
        self.address = address
        self.isRequired = isRequired
        self.pages = pages
    }

    func answer(_ request: Request) -> Answer {
        guard let page = self.pages[request.path] else { return .text("404 page not found\n", status: .notFound) }
        guard request.method == "GET" || request.method == "HEAD" else {
            return .text(
                "405 method not allowed\n", status: .methodNotAllowed, fields: [Answer.Field("Allow", "GET, HEAD")])
        }
        return page()
    }
}
