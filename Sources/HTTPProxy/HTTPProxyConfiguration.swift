// HTTPProxy: the request path of the ingress role. A ``Worker`` for each core, each a thread of its own with listeners,
// connections, and connections to endpoints of its own. Control publishes immutable snapshots of what is to be served;
// nothing is ever reloaded, and no connection is cut by a change.
package import Networking
package import Observability
package import Reactor

/// What does not change while the proxy runs.
package struct HTTPProxyConfiguration: Sendable {
    /// How many threads; each has its own listener at each address.
    package var workers: Int
    /// Each worker stays on a processor of its own, as long as there are enough.
    package var pinsWorkers: Bool
    package var plainAddresses: [SocketAddress]
    package var secureAddresses: [SocketAddress]
    /// Peers that begin connections with a PROXY protocol header, always. Empty for nobody.
    package var proxyProtocolSources: [CIDR]
    /// Peers whose `X-Forwarded-*` and `Forwarded` are believed.
    package var trustedProxies: [CIDR]
    /// Whether backends get the client in the field of RFC 7239 too, beside `X-Forwarded-*`.
    package var addsForwarded: Bool
    package var limits: ProxyLimits
    /// Where the lines go of requests whose route asks for them; nil for nowhere.
    package var accessLog: AccessLogSink?
    package var accessLogFormat: AccessLogFormat

    package init(
        workers: Int = 1,
        pinsWorkers: Bool = false,
        plainAddresses: [SocketAddress] = [],
        secureAddresses: [SocketAddress] = [],
        proxyProtocolSources: [CIDR] = [],
        trustedProxies: [CIDR] = [],
        addsForwarded: Bool = false,
        limits: ProxyLimits = ProxyLimits(),
        accessLog: AccessLogSink? = nil,
        accessLogFormat: AccessLogFormat = .text
    ) {
        self.workers = workers
        self.pinsWorkers = pinsWorkers
        self.plainAddresses = plainAddresses
        self.secureAddresses = secureAddresses
        self.proxyProtocolSources = proxyProtocolSources
        self.trustedProxies = trustedProxies
        self.addsForwarded = addsForwarded
        self.limits = limits
        self.accessLog = accessLog
        self.accessLogFormat = accessLogFormat
    }
}
