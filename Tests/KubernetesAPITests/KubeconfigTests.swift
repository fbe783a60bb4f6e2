import KubernetesAPI
import Testing

@Suite struct KubeconfigTests {
    private func decode(_ text: String) throws(ManifestProblem) -> Kubeconfig {
        try Kubeconfig.decode(Array(text.utf8), file: "admin.conf")
    }

    /// As kubeadm writes it for kube-proxy.
    @Test func kubeadmsOfKubeProxy() throws {
        let kubeconfig = try self.decode(
            """
            apiVersion: v1
            kind: Config
            clusters:
            - cluster:
                certificate-authority: /var/run/secrets/kubernetes.io/serviceaccount/ca.crt
                server: https://control-plane.example:6443
              name: default
            contexts:
            - context:
                cluster: default
                namespace: default
                user: default
              name: default
            current-context: default
            users:
            - name: default
              user:
                tokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token
            """)
        var cluster = Kubeconfig.Cluster(server: "https://control-plane.example:6443")
        cluster.certificateAuthority = .file("/var/run/secrets/kubernetes.io/serviceaccount/ca.crt")
        var user = Kubeconfig.User()
        user.tokenFile = "/var/run/secrets/kubernetes.io/serviceaccount/token"
        #expect(kubeconfig == Kubeconfig(cluster: cluster, user: user))
    }

    @Test func allThatCanBeSaid() throws {
        let kubeconfig = try self.decode(
            """
            {"kind": "Config", "apiVersion": "v1", "preferences": {}, "current-context": "two",
             "contexts": [{"name": "one", "context": {"cluster": "gone", "user": "gone"}},
                          {"name": "two", "context": {"cluster": "c", "user": "u", "extra": 1}}],
             "clusters": [{"name": "c", "cluster": {"server": "https://[fd00::1]:6443/prefix", "proxy-url": "http://p:1",
               "tls-server-name": "kubernetes", "certificate-authority": "ca.crt",
               "certificate-authority-data": "Q0E="}}],
             "users": [{"name": "u", "user": {"client-certificate-data": "QQ==", "client-key": "key.pem",
               "token": "t", "username": "n", "password": "p",
               "exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "./login", "args": ["-c", "x"],
                 "env": [{"name": "A", "value": "b"}], "installHint": "get it", "provideClusterInfo": true,
                 "interactiveMode": "IfAvailable"}}}]}
            """)
        #expect(kubeconfig.cluster.server == "https://[fd00::1]:6443/prefix")
        #expect(kubeconfig.cluster.proxyURL == "http://p:1")
        #expect(kubeconfig.cluster.tlsServerName == "kubernetes")
        #expect(kubeconfig.cluster.certificateAuthority == .base64("Q0E="), "data wins over a file")
        #expect(kubeconfig.user.clientCertificate == .base64("QQ=="))
        #expect(kubeconfig.user.clientKey == .file("key.pem"))
        let plugin = try #require(kubeconfig.user.exec)
        #expect(plugin.command == "./login" && plugin.arguments == ["-c", "x"])
        #expect(plugin.environment == [.init(name: "A", value: "b")])
        #expect(plugin.installHint == "get it" && plugin.providesClusterInfo)
    }

    private static let cluster = "clusters: [{name: c, cluster: {server: 'https://a'}}]\n"

    @Test(arguments: [
        ("{}", "current-context: is required where there are 0 contexts"),
        ("", "holds no kubeconfig"),
        ("[", "did not find expected node content"),
        ("- a", "must be a mapping"),
        ("kind: Pod", "must be Config"),
        ("current-context: x", #"contexts: has no entry named "x""#),
        ("contexts: [{name: a, context: {cluster: c}}]", #"clusters: has no entry named "c""#),
        ("contexts: [{name: a, context: {}}]", "cluster: is required"),
        ("contexts: [{name: a, context: {cluster: c}}]\nclusters: [{name: c, cluster: {}}]", "server: is required"),
        (cluster + "contexts: [{name: a, context: {cluster: c, user: u}}]", #"users: has no entry named "u""#),
        (
            cluster + "contexts: [{name: a, context: {cluster: c, user: u}}]\n"
                + "users: [{name: u, user: {client-certificate: a}}]", "only of use together"
        ),
        (
            cluster + "contexts: [{name: a, context: {cluster: c, user: u}}]\n"
                + "users: [{name: u, user: {auth-provider: {name: gcp}}}]", "use exec"
        ),
        (
            cluster + "contexts: [{name: a, context: {cluster: c, user: u}}]\n"
                + "users: [{name: u, user: {exec: {command: x, apiVersion: client.authentication.k8s.io/v1alpha1}}}]",
            "must be client.authentication.k8s.io/v1 or"
        ),
        (
            cluster + "contexts: [{name: a, context: {cluster: c, user: u}}]\n"
                + "users: [{name: u, user: {token: 5}}]", "put it in quotes"
        ),
        (
            "contexts: [{name: a, context: {cluster: c}}]\nclusters: [{name: c, cluster: "
                + "{server: s, insecure-skip-tls-verify: true, certificate-authority: f}}]", "may not be true"
        ),
    ])
    func whatIsWrongIsTold(text: String, reason: String) {
        let problem = #expect(throws: ManifestProblem.self) { () throws in try self.decode(text) }
        #expect(problem?.description.contains(reason) == true, "\(problem.map(String.init(describing:)) ?? "")")
        #expect(problem?.file == "admin.conf")
    }

    /// A token that YAML takes for a number is refused, and not shown.
    @Test func noProblemShowsASecret() {
        let user = "users: [{name: u, user: {token: 123454321}}]"
        let kubeconfig = #expect(throws: ManifestProblem.self) { () throws in
            try self.decode(Self.cluster + "contexts: [{name: a, context: {cluster: c, user: u}}]\n" + user)
        }
        let credential = #expect(throws: ManifestProblem.self) { () throws in
            try self.credential(
                #"{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "#
                    + #""status": {"token": 123454321}}"#)
        }
        for problem in [kubeconfig, credential] {
            #expect(problem?.reason.contains("put it in quotes") == true)
            #expect(problem?.description.contains("12345") == false)
        }
    }

    @Test func damagedFilesAreNeverMoreThanAnError() {
        let text = Array((Self.cluster + "contexts: [{name: a, context: {cluster: c, user: u}}]").utf8)
        for position in text.indices {
            for byte: UInt8 in [0, 0x0a, 0x22, 0x2d, 0x5b, 0x7b, 0xff] {
                var damaged = text
                damaged[position] = byte
                _ = try? Kubeconfig.decode(damaged, file: "f")
                _ = try? Kubeconfig.decode(Array(damaged[..<position]), file: "f")
            }
        }
    }

    // MARK: - Credential plugins

    private static let version = "client.authentication.k8s.io/v1"

    private func credential(_ text: String) throws(ManifestProblem) -> ExecCredential {
        try ExecCredential.decode(Array(text.utf8), apiVersion: Self.version, source: "login")
    }

    @Test func whatAPluginPrints() throws {
        let token = try self.credential(
            #"{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "#
                + #""status": {"token": "abc", "expirationTimestamp": "2026-01-31T12:00:00Z"}}"#)
        #expect(token == ExecCredential(token: "abc", expiry: 1_769_860_800))
        let certificate = try self.credential(
            #"{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "#
                + #""status": {"clientCertificateData": "a\nb", "clientKeyData": "k"}}"#)
        #expect(certificate == ExecCredential(clientCertificate: "a\nb", clientKey: "k"))
    }

    @Test(arguments: [
        ("", "printed no ExecCredential"), ("}", "printed no ExecCredential"), ("{}", "kind: must be ExecCredential"),
        (#"{"kind": "ExecCredential", "apiVersion": "v1"}"#, "as was asked for"),
        (#"{"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1"}"#, "status: is required"),
        (
            #"{"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1", "status": {}}"#,
            "neither a token nor"
        ),
    ])
    func whatAPluginShouldNotPrint(text: String, reason: String) {
        let problem = #expect(throws: ManifestProblem.self) { () throws in try self.credential(text) }
        #expect(problem?.description.contains(reason) == true, "\(problem.map(String.init(describing:)) ?? "")")
    }
}
