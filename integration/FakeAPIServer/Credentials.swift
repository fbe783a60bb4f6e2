internal import Linux
internal import Synchronization

/// A certificate authority, and a server's and a client's certificate of it, made new for each server so that
/// none in the repository expires.
struct Credentials: Sendable {
    let authority: String
    let serverCertificate: String
    let serverKey: String
    let clientCertificate: String
    let clientKey: String

    /// Making them takes a while, and every server with the same names can use the same ones.
    private static let made = Mutex<[[String]: Credentials]>([:])

    /// Those for a server of these names, made once in this process.
    static func shared(names: [String]) throws -> Credentials {
        try self.made.withLock { made in
            if let known = made[names] { return known }
            let credentials = try Credentials(names: names)
            made[names] = credentials
            return credentials
        }
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// - Parameter names: addresses and names that the server's certificate is for.
    private init(names: [String]) throws {
        let folder = try Self.run(["mktemp", "-d", "/tmp/fairlead-fake-apiserver.XXXXXX"]).filter { $0 != "\n" }
        defer { _ = try? ChildProcess.run(["rm", "-rf", folder]) }
        let entries = names.map { $0.allSatisfy { $0.isHexDigit || $0 == "." || $0 == ":" } ? "IP:\($0)" : "DNS:\($0)" }
        // Without the system's configuration, and the extensions that it would add.
        let configuration = try Descriptor.memoryFile("openssl.cnf", "[req]\ndistinguished_name=dn\n[dn]\n".utf8)
        let key =
            [
                "-config", configuration.pathForChildren, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-nodes",
            ]
            + ["-days", "2"]
        try Self.run(
            [
                "openssl", "req", "-x509", "-subj", "/CN=fake-ca", "-keyout", "\(folder)/ca.key", "-out",
                "\(folder)/ca.crt",
            ]
                + ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=keyCertSign"] + key
        )
        func certificate(_ name: String, subject: String, extensions: [String]) throws {
            let additions = extensions.flatMap { ["-addext", $0] }
            try Self.run(
                ["openssl", "req", "-x509", "-subj", subject, "-CA", "\(folder)/ca.crt", "-CAkey", "\(folder)/ca.key"]
                    + ["-keyout", "\(folder)/\(name).key", "-out", "\(folder)/\(name).crt"] + key + additions
            )
        }
        let leaf = "basicConstraints=critical,CA:FALSE"
        let san = "subjectAltName=\(entries.joined(separator: ","))"
        try certificate(
            "server", subject: "/CN=kube-apiserver", extensions: [leaf, san, "extendedKeyUsage=serverAuth"])
        try certificate(
            "client",
            subject: "/O=system:masters/CN=kubernetes-admin",
            extensions: [leaf, "extendedKeyUsage=clientAuth"]
        )
        func read(_ name: String) throws -> String {
            let file = try Descriptor.open("\(folder)/\(name)", flags: 0)
            return String(decoding: try file.readToEnd(limit: 1 << 20), as: UTF8.self)
        }
        self.authority = try read("ca.crt")
        self.serverCertificate = try read("server.crt")
        self.serverKey = try read("server.key")
        self.clientCertificate = try read("client.crt")
        self.clientKey = try read("client.key")
    }

    @discardableResult
    private static func run(_ arguments: [String]) throws -> String {
        let result = try ChildProcess.run(arguments)
        guard result.succeeded else {
            throw Failure(description: "\(arguments.joined(separator: " ")): \(result.errorOutput)")
        }
        return result.output
    }
}
