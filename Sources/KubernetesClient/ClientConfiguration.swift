package import KubernetesAPI

/// Where the API server is, whom to take for it, and as whom to speak to it.
package struct ClientConfiguration: Hashable, Sendable {
    /// Something that is in a file, which is read again when it changes, or that was given.
    package enum Material: Hashable, Sendable {
        case file(String)
        case bytes([UInt8])
    }

    /// Whose word is taken for being the API server.
    package enum Trust: Hashable, Sendable {
        /// Whoever the authorities that this host trusts vouch for.
        case system
        /// Whoever these authorities (PEM) vouch for.
        case authorities(Material)
        /// Anybody.
        case anybody
    }

    /// How a request says who sends it, besides a client certificate.
    package enum Authorization: Hashable, Sendable {
        case none
        case token(Material)
        case password(user: String, password: String)
        case exec(Kubeconfig.ExecPlugin)
    }

    package struct ClientCertificate: Hashable, Sendable {
        /// PEM, the client's own certificate first.
        package let chain: Material
        /// PEM.
        package let key: Material
    }

    package struct Proxy: Hashable, Sendable {
        package enum Kind: Hashable, Sendable {
            case http
            case socks5
        }

        package let kind: Kind
        package let host: String
        package let port: Int
    }

    /// Never empty. All of one cluster; the first that answers is used until it does not.
    package var servers: [APIServerAddress]
    package var trust: Trust
    /// What the server's certificate has to be for, if not for the server's address.
    package var serverName: String?
    package var authorization: Authorization
    package var certificate: ClientCertificate?
    package var proxy: Proxy?
    package var limits = ClientLimits()

    package init(
        servers: [APIServerAddress],
        trust: Trust = .system,
        authorization: Authorization = .none,
        certificate: ClientCertificate? = nil
    ) {
        self.servers = servers
        self.trust = trust
        self.authorization = authorization
        self.certificate = certificate
    }
}

/// How long the client waits, and how much it takes.
package struct ClientLimits: Hashable, Sendable {
    /// For a TCP and TLS connection.
    package var connectTimeout = Duration.seconds(10)
    /// For the head of an answer, and for anything that is no watch to go on.
    package var answerTimeout = Duration.seconds(30)
    /// For a watch on which neither an event nor a bookmark comes; servers send bookmarks about once a minute.
    package var watchSilence = Duration.seconds(150)
    /// A connection whose peer has not acknowledged anything for so long, probes included, is dead.
    package var deadPeerTimeout = Duration.seconds(30)
    /// How long a server is asked to let a watch run; each time somewhere between, so that not all nodes come back
    /// at once.
    package var watchDuration = 300...600
    /// Objects in a page, where the server does not stream lists.
    package var pageSize = 500
    /// Bytes of one answer that is read whole: a page of a list, an error.
    package var maximumAnswerSize = 256 << 20
    /// For a credential plugin to print something.
    package var pluginTimeout = Duration.seconds(60)

    package init() {}
}
