/// How an Ingress keeps the requests of one client on one endpoint, as its annotations say it.
package enum AffinityPolicy: Hashable, Sendable {
    case cookie(CookiePolicy)
    /// By the value of a header, named in lower case.
    case header(String)

    /// The name of ingress-nginx.
    package static let defaultCookieName = "INGRESSCOOKIE"

    package struct CookiePolicy: Hashable, Sendable {
        package enum SameSite: String, Hashable, Sendable, CaseIterable {
            case strict = "Strict"
            case lax = "Lax"
            case none = "None"
        }

        package var name = AffinityPolicy.defaultCookieName
        /// nil for the path of the rule.
        package var path: String?
        package var domain: String?
        /// Seconds; nil for as long as the browser is open.
        package var maximumAge: Int?
        package var sameSite: SameSite?
        package var security = RouteAffinity.Security.likeRequest

        /// What follows the value, but `Secure`. `path` is that of the rule.
        func attributes(path: String) -> String {
            var text = "; Path=\(self.path ?? path)"
            if let domain = self.domain { text += "; Domain=\(domain)" }
            if let maximumAge = self.maximumAge { text += "; Max-Age=\(maximumAge)" }
            if let sameSite = self.sameSite { text += "; SameSite=\(sameSite.rawValue)" }
            return text + "; HttpOnly"
        }
    }
}
