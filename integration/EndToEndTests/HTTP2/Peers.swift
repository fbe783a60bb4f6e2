import Lab
import Linux
import Networking

/// Programs that were not written with Fairlead in mind: nghttp2's, and Python's, which `.ci/setup` installs.
enum Peers {
    private static let folder = "\(#filePath.split(separator: "/").dropLast().map { "/\($0)" }.joined())/peers"
    private static let python =
        "\(#filePath.split(separator: "/").dropLast(4).map { "/\($0)" }.joined())/.build/peers/bin/python"

    /// The words that start one of the scripts.
    static func script(_ name: String, _ arguments: [String]) throws -> [String] {
        guard ChildProcess.find(self.python) != nil else {
            throw LabError("there is no \(self.python): run .ci/setup")
        }
        // -B: nothing is left behind in the sources.
        return [self.python, "-B", "\(self.folder)/\(name)"] + arguments
    }

    /// What a script prints; throws if it fails.
    static func run(
        _ name: String, _ arguments: [String], on host: Host, timeout: Duration = .seconds(60)
    ) throws -> String {
        let completion = try host.execute(try self.script(name, arguments), timeout: timeout)
        guard completion.succeeded else {
            throw LabError("\(name) \(arguments): \(completion.status): \(completion.output)\(completion.errorOutput)")
        }
        return completion.output
    }
}

/// The outcome of `h2load`, by its own count.
struct H2Load {
    let succeeded: Int
    let failed: Int
    let text: String

    /// `arguments` beside those for how many requests.
    init(on host: Host, requests: Int, _ arguments: [String], timeout: Duration = .seconds(100)) throws {
        let completion = try host.execute(["h2load", "-n", "\(requests)"] + arguments, timeout: timeout)
        self.text = completion.output + completion.errorOutput
        // requests: 100 total, 100 started, 100 done, 100 succeeded, 0 failed, 0 errored, 0 timeout
        let line = completion.output.split(separator: "\n").first { $0.hasPrefix("requests: ") } ?? ""
        func count(_ word: String) -> Int? {
            line.split(separator: ",").first { $0.hasSuffix(" \(word)") }
                .flatMap { $0.split(separator: " ").first }.flatMap { Int($0) }
        }
        guard completion.succeeded, let succeeded = count("succeeded"), let failed = count("failed"),
            let errored = count("errored"), let late = count("timeout")
        else { throw LabError("h2load: \(self.text)") }
        self.succeeded = succeeded
        self.failed = failed + errored + late
    }
}
