/// What one context of a kubeconfig says (`k8s.io/client-go/tools/clientcmd/api/v1` Config): which API server, and
/// as whom. Paths are as they stand in the file, relative ones being relative to the file's directory.
package struct Kubeconfig: Hashable, Sendable {
    /// Something that a file holds, or the kubeconfig itself in base64; the latter wins.
    package enum Content: Hashable, Sendable {
        case file(String)
        case base64(String)
    }

    package struct Cluster: Hashable, Sendable {
        /// `https://10.0.0.1:6443`, perhaps with a path.
        package var server: String
        package var certificateAuthority: Content?
        /// The name that the server's certificate has to have, if it is not the server's in the URL.
        package var tlsServerName: String?
        /// Whoever answers is believed.
        package var skipsVerification = false
        package var proxyURL: String?

        package init(server: String) {
            self.server = server
        }
    }

    package struct User: Hashable, Sendable {
        package var clientCertificate: Content?
        package var clientKey: Content?
        package var token: String?
        /// Wins over ``token``, and is read again when it changes.
        package var tokenFile: String?
        package var username: String?
        package var password: String?
        package var exec: ExecPlugin?

        package init() {}
    }

    /// A program that prints credentials (`client.authentication.k8s.io`).
    package struct ExecPlugin: Hashable, Sendable {
        package struct Variable: Hashable, Sendable {
            package let name: String
            package let value: String

            package init(name: String, value: String) {
                self.name = name
                self.value = value
            }
        }

        package var apiVersion: String
        package var command: String
        package var arguments: [String] = []
        package var environment: [Variable] = []
        /// What to tell a user who does not have the program.
        package var installHint: String?
        /// The program is told which cluster it is for.
        package var providesClusterInfo = false

        package init(apiVersion: String, command: String) {
            self.apiVersion = apiVersion
            self.command = command
        }
    }

    package var cluster: Cluster
    package var user: User

    package init(cluster: Cluster, user: User) {
        self.cluster = cluster
        self.user = user
    }
}
