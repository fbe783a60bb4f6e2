import Glibc
import Lab
import Linux
import Networking

/// The backend of gRPC's calls: nghttpd, HTTP/2 without TLS. It answers every call with the same message and ends the answer with
/// the trailer `grpc-status: 0`.
enum CallBackend {
    static let address = SocketAddress(Scene.backendAddress.address, 8001)
    static let method = "/bench.Echo/Unary.grpc"
    /// The file with the message of a call, which is that of its answer, too: in a ``Scene``'s folder.
    static let message = "calls\(method)"
    /// With the five bytes in front of it.
    static let messageBytes = 128

    /// Writes the files of a scene: the message, and which name stands for which type.
    static func prepare(_ folder: String) throws {
        let prefix: [UInt8] = [0, 0, 0, 0, UInt8(self.messageBytes - 5)]
        for (name, bytes) in [
            (self.message, prefix + [UInt8](repeating: 0x61, count: self.messageBytes - prefix.count)),
            ("calls/types", Array("application/grpc grpc\n".utf8)),
        ] {
            try Descriptor.open("\(folder)/\(name)", flags: O_WRONLY | O_CREAT | O_TRUNC).write(bytes)
        }
    }

    static let command = [
        "nghttpd", "--no-tls", "-n1", "-a", "\(address.address)", "-d", "calls", "--mime-types-file=calls/types",
        "--no-content-length", "--trailer=grpc-status: 0", "\(address.port)",
    ]
}
