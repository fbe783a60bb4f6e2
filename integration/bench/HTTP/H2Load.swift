import Lab
import Linux

/// Load by h2load: HTTP/2 over TLS on one thread, each connection with some requests under way at any time, as fast as answers
/// come or at a rate. It offers the cipher suite and the group of `tools/client.cnf`.
struct H2Load {
    /// What one request is.
    enum Request {
        /// The small body, from the backend that speaks HTTP/1.1.
        case small
        /// A unary call of gRPC, to the backend that speaks HTTP/2 without TLS.
        case call
    }

    static let connections = 16
    static let streams = 8

    let request: Request
    /// Of all connections together, in requests a second; nil: as fast as answers come.
    var rate: Int?

    func run(_ scene: Scene, port: UInt16, seconds: Int) throws -> LoadFigures {
        let log = "\(scene.workbench.folder)/h2load.log"
        var arguments = [
            "h2load", "-t1", "-c\(Self.connections)", "-m\(Self.streams)", "-D\(seconds)", "--log-file=\(log)",
            "--tls13-ciphers=TLS_AES_128_GCM_SHA256", "--groups=X25519", "--connect-to=127.0.0.1:\(port)",
        ]
        if let rate = self.rate { arguments.append("--rps=\(Double(rate) / Double(Self.connections))") }
        let body: Int
        switch self.request {
        case .small:
            arguments.append("https://\(Routes.host(0))/item")
            body = MeasuredBackend.smallBody
        case .call:
            arguments += ["-d", "\(scene.workbench.folder)/\(CallBackend.message)"]
            arguments += ["-H", "content-type: application/grpc", "-H", "te: trailers"]
            arguments.append("https://\(Routes.callHost)\(CallBackend.method)")
            body = CallBackend.messageBytes
        }
        try scene.workbench.host.shell("rm -f \(log)")
        let child = try scene.workbench.spawnLoad(arguments)
        guard child.waitForExit(timeout: .seconds(Int64(seconds) + 20)) == .exited(0),
            var figures = Self.figures(said: child.output, body: body)
        else { throw LabError("h2load on port \(port): \(child.output)") }
        // Tab-separated: when the request was sent, the status, microseconds until the end of the answer.
        let percentiles = try scene.workbench.host.shell(
            """
            cut -f3 \(log) | sort -n | awk '
                { latency[NR] = $1 }
                function at(share,  place) { place = int(NR * share + 0.999999); return latency[place < 1 ? 1 : place] }
                END { print at(0.5), at(0.99), at(0.999) }'
            """, timeout: .seconds(60)
        ).split { " \n".contains($0) }.compactMap { Double($0) }
        guard percentiles.count == 3 else { throw LabError("h2load on port \(port) wrote no latencies") }
        (figures.p50, figures.p99, figures.p999) = (percentiles[0], percentiles[1], percentiles[2])
        return figures
    }

    /// Of what h2load prints: "finished in 2.00s, ...", "requests: 10 total, 10 started, 10 done, 10 succeeded, 0 failed,
    /// 0 errored, 0 timeout", "status codes: 10 2xx, ...", "traffic: ..., 20.81MB (21820008) data". An answer of gRPC is 200
    /// even if it is a failure; that one has no body.
    private static func figures(said: String, body: Int) -> LoadFigures? {
        func line(_ name: String) -> Substring? { said.split(separator: "\n").first { $0.hasPrefix(name) } }
        func number(before word: String, _ name: String) -> Int? {
            let words = line(name)?.split { " ,()".contains($0) } ?? []
            return words.firstIndex(of: word[...]).flatMap { $0 > 0 ? Int(words[$0 - 1]) : nil }
        }
        guard let time = line("finished in ")?.dropFirst(12).prefix(while: { $0 != "," }),
            let seconds = Self.seconds(time), seconds > 0, let done = number(before: "done", "requests: "),
            let good = number(before: "2xx", "status codes: "), let bytes = number(before: "data", "traffic: "),
            let errors = number(before: "errored", "requests: "), let late = number(before: "timeout", "requests: ")
        else { return nil }
        // What is under way in the end has brought bytes, too, but is not done.
        let whole = min(good, bytes / body)
        return LoadFigures(count: done, seconds: seconds, failures: max(0, done - whole) + errors + late)
    }

    /// Of "2.00s" or "950.12ms".
    private static func seconds(_ text: some StringProtocol) -> Double? {
        text.hasSuffix("ms") ? Double(text.dropLast(2)).map { $0 / 1000 } : Double(text.dropLast())
    }
}
