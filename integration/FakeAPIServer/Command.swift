internal import KubernetesAPI
internal import KubernetesWire
internal import Networking

/// A line that the server is told.
enum Command {
    case apply(file: String)
    case delete(Resource, ObjectName)
    case generate(GeneratedCluster)
    case patchEndpoint(ObjectName, index: Int, IPAddress)
    case token(String)
    case fault(Fault)
    case counts
    case resetCounts
    case resourceVersion
    case stop

    /// What can go wrong, by a word.
    enum Fault {
        case expireWatches(Int, Faults.Expiry)
        case disconnect
        case cut
        case malformed
        case chunk(Int?)
        case slow(Int?)
        case freeze(Bool)
        case fail(Int, Faults.Failure)
        case restart(Int)
        case endWatches
        case bookmarks
        case compact
        case watchList(FakeAPIServerConfiguration.WatchList)
        case none
    }

    static let usage = """
        apply FILE | delete KIND [NAMESPACE/]NAME | token TOKEN | counts | reset-counts | resource-version | stop
        generate services=N endpoints=N [namespace=NAME] [clusterip=ADDRESS] [port=N] [backend=FIRST[-LAST]:PORT]
        patch-endpoint NAMESPACE/SLICE INDEX ADDRESS
        fault expire N [event|status] | disconnect | cut | malformed | chunk N|off | slow BYTES_PER_SECOND|off
        fault freeze on|off | fail N CODE [RETRY_AFTER] | restart RESOURCE_VERSION | end-watches | bookmarks | compact
        fault watchlist supported|refused|ignored | none
        """

    init(_ line: String) throws(UnknownCommand) {
        let words = line.split(separator: " ").map(String.init)
        let rest = Array(words.dropFirst())
        switch (words.first ?? "", rest.count) {
        case ("apply", 1): self = .apply(file: rest[0])
        case ("delete", 2):
            guard let resource = Resource.allCases.first(where: { $0.type.kind == rest[0] }) else {
                throw UnknownCommand("no kind \(rest[0])")
            }
            self = .delete(resource, Self.name(rest[1], isNamespaced: resource.isNamespaced))
        case ("generate", 1...): self = .generate(try Self.cluster(rest))
        case ("patch-endpoint", 3):
            guard let index = Int(rest[1]), let address = IPAddress(rest[2]) else {
                throw UnknownCommand("patch-endpoint takes a slice, an index and an address")
            }
            self = .patchEndpoint(Self.name(rest[0], isNamespaced: true), index: index, address)
        case ("token", 1): self = .token(rest[0])
        case ("fault", 1...): self = .fault(try Fault(rest))
        case ("counts", 0): self = .counts
        case ("reset-counts", 0): self = .resetCounts
        case ("resource-version", 0): self = .resourceVersion
        case ("stop", 0): self = .stop
        default: throw UnknownCommand("not understood: \(line)")
        }
    }

    private static func name(_ text: String, isNamespaced: Bool) -> ObjectName {
        guard let slash = text.firstIndex(of: "/") else {
            return ObjectName(namespace: isNamespaced ? "default" : "", name: text)
        }
        return ObjectName(namespace: String(text[..<slash]), name: String(text[text.index(after: slash)...]))
    }

    private static func cluster(_ words: [String]) throws(UnknownCommand) -> GeneratedCluster {
        var cluster = GeneratedCluster(services: 0, endpoints: 0)
        for word in words {
            let sides = word.split(separator: "=", maxSplits: 1).map(String.init)
            guard sides.count == 2 else { throw UnknownCommand("not a setting: \(word)") }
            switch (sides[0], Int(sides[1]), IPAddress(sides[1])) {
            case ("services", let count?, _) where count >= 0: cluster.services = count
            case ("endpoints", let count?, _) where (0...1_000).contains(count): cluster.endpoints = count
            case ("namespace", _, _): cluster.namespace = sides[1]
            case ("clusterip", _, let address?): cluster.firstClusterIP = address
            case ("port", let port?, _):
                guard let port = UInt16(exactly: port) else { throw UnknownCommand("no port: \(word)") }
                cluster.port = port
            case ("backend", _, _):
                guard let colon = sides[1].lastIndex(of: ":"),
                    let port = UInt16(sides[1][sides[1].index(after: colon)...]),
                    let backends = GeneratedCluster.AddressRun(sides[1][..<colon])
                else { throw UnknownCommand("backend is FIRST[-LAST]:PORT, not \(sides[1])") }
                cluster.backends = backends
                cluster.backendPort = port
            default: throw UnknownCommand("not a setting: \(word)")
            }
        }
        return cluster
    }
}

extension Command.Fault {
    init(_ words: [String]) throws(UnknownCommand) {
        let number = words.count > 1 ? Int(words[1]) : nil
        switch (words[0], words.dropFirst().first, number) {
        case ("expire", _, let count?):
            let word = words.count > 2 ? words[2] : Faults.Expiry.event.rawValue
            guard let expiry = Faults.Expiry(rawValue: word) else {
                throw UnknownCommand("expire as event or status, not \(word)")
            }
            self = .expireWatches(count, expiry)
        case ("disconnect", nil, _): self = .disconnect
        case ("cut", nil, _): self = .cut
        case ("malformed", nil, _): self = .malformed
        case ("chunk", "off", _): self = .chunk(nil)
        case ("chunk", _, let size?) where size > 0: self = .chunk(size)
        case ("slow", "off", _): self = .slow(nil)
        case ("slow", _, let rate?) where rate > 0: self = .slow(rate)
        case ("freeze", "on", _): self = .freeze(true)
        case ("freeze", "off", _): self = .freeze(false)
        case ("fail", _, let count?):
            guard words.count > 2, let code = Int(words[2]) else {
                throw UnknownCommand("fail takes a count, a status code and seconds to retry after")
            }
            self = .fail(count, Faults.Failure(code: code, retryAfter: words.count > 3 ? Int(words[3]) : nil))
        case ("restart", _, let version?): self = .restart(version)
        case ("end-watches", nil, _): self = .endWatches
        case ("bookmarks", nil, _): self = .bookmarks
        case ("compact", nil, _): self = .compact
        case ("watchlist", let word?, _):
            guard let mode = FakeAPIServerConfiguration.WatchList(rawValue: word) else {
                throw UnknownCommand("watchlist is supported, refused or ignored, not \(word)")
            }
            self = .watchList(mode)
        case ("none", nil, _): self = .none
        default: throw UnknownCommand("no such fault: \(words.joined(separator: " "))")
        }
    }
}

/// Why words mean nothing.
package struct UnknownCommand: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
