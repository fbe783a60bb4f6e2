internal import Glibc
internal import Linux

/// A certificate and its key, made by `openssl`, both in PEM.
package struct Certificate: Sendable {
    package let certificate: String
    package let key: String

    /// Self-signed, with an ECDSA key, for the names; an address among them is one. `days` may be negative for one
    /// that has expired.
    package static func selfSigned(for names: [String], days: Int = 365, isAuthority: Bool = false) throws
        -> Certificate
    {
        try self.make(names: names, days: days, isAuthority: isAuthority, issuer: nil)
    }

    /// Issued by this one, which has to be an authority.
    package func issue(for names: [String], days: Int = 365, isAuthority: Bool = false) throws -> Certificate {
        try Self.make(names: names, days: days, isAuthority: isAuthority, issuer: self)
    }

    /// The PEM blocks of certificates in a text.
    package static func blocks(of text: String) -> [String] {
        var blocks: [String] = []
        var block: String?
        for line in text.split(separator: "\n") {
            if line == "-----BEGIN CERTIFICATE-----" { block = "" }
            if block != nil { block?.append("\(line)\n") }
            if line == "-----END CERTIFICATE-----", let whole = block {
                blocks.append(whole)
                block = nil
            }
        }
        return blocks
    }

    /// What `openssl x509` prints about a certificate in PEM, say its `-subject`.
    package static func describe(_ certificate: String, _ options: [String]) throws -> String {
        let folder = try Folder()
        try folder.write("certificate.pem", certificate)
        return try folder.openssl(["x509", "-in", "certificate.pem", "-noout"] + options)
    }

    private static func make(names: [String], days: Int, isAuthority: Bool, issuer: Certificate?) throws -> Certificate
    {
        let folder = try Folder()
        let names = names.map { name in
            name.contains(":") || name.allSatisfy { $0.isNumber || $0 == "." } ? "IP:\(name)" : "DNS:\(name)"
        }
        let commonName = names.first.map { String($0.drop { $0 != ":" }.dropFirst()) } ?? "nobody"
        try folder.write(
            "extensions",
            """
            \(names.isEmpty ? "" : "subjectAltName = \(names.joined(separator: ","))")
            basicConstraints = critical,CA:\(isAuthority ? "TRUE" : "FALSE")

            """)
        _ = try folder.openssl(
            ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem"]
                + ["-subj", "/CN=\(commonName.prefix(60))", "-out", "request.pem"])
        var sign = ["x509", "-req", "-in", "request.pem", "-days", "\(days)", "-extfile", "extensions"]
        if let issuer {
            try folder.write("ca.pem", issuer.certificate)
            try folder.write("ca-key.pem", issuer.key)
            sign += ["-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial"]
        } else {
            sign += ["-signkey", "key.pem"]
        }
        _ = try folder.openssl(sign + ["-out", "certificate.pem"])
        let certificate = try folder.openssl(["x509", "-in", "certificate.pem"])
        return Certificate(certificate: certificate, key: try folder.read("key.pem"))
    }

    /// Where openssl works for a moment.
    private final class Folder {
        private let files: ManifestFolder

        init() throws { self.files = try ManifestFolder() }

        func write(_ name: String, _ text: String) throws { try self.files.write(name, text) }
        func read(_ name: String) throws -> String { try self.files.read(name) }

        func openssl(_ arguments: [String]) throws -> String {
            let child = try ChildProcess(["openssl"] + arguments, workingDirectory: self.files.path)
            guard child.waitForExit(timeout: .seconds(20)) == .exited(0) else {
                throw LabError("openssl \(arguments.joined(separator: " ")): \(child.errorOutput)")
            }
            return child.output
        }
    }
}
