internal import KubernetesAPI
internal import Linux

/// The server by lines of text, for programs that are no Swift.
extension FakeAPIServer {
    package static var commandUsage: String { Command.usage }

    /// Does what a line says. The answer is `ok NANOSECONDS ...`, with the time of `CLOCK_MONOTONIC` when watches had
    /// been written to, or `error ...`. `isLast`: it was `stop`.
    package func obey(_ line: String) async -> (text: String, isLast: Bool) {
        do {
            let command = try Command(line)
            let answer = try await self.perform(command)
            if case .stop = command { return ("ok \(answer)", true) }
            return ("ok \(answer)", false)
        } catch {
            return ("error \("\(error)".replacing("\n", with: " "))", false)
        }
    }

    private func perform(_ command: Command) async throws -> String {
        switch command {
        case .apply(let file):
            let bytes = try Descriptor.open(file, flags: 0).readToEnd(limit: ManifestLimits().maximumFileSize)
            let content = ManifestDecoder.decode(bytes, file: file)
            if let problem = content.problems.first(where: { $0.severity == .error }) { throw problem }
            let written = try await self.apply(content.objects.map(\.object))
            return "\(written.nanoseconds) \(content.objects.count) objects"
        case .delete(let resource, let name):
            return "\(try await self.delete(resource, namespace: name.namespace, name: name.name).nanoseconds)"
        case .generate(let cluster):
            return "\(try await self.generate(cluster).nanoseconds) \(cluster.services) services"
        case .patchEndpoint(let slice, let index, let address):
            return "\(try await self.setEndpoint(index, of: slice, to: address).nanoseconds)"
        case .token(let token):
            try await self.configure { $0.tokens = [token] }
        case .fault(let fault): try await self.perform(fault)
        case .counts: return "\(MonotonicClock.nanoseconds()) \(Self.text(try await self.counts()))"
        case .resetCounts: try await self.resetCounts()
        case .resourceVersion: return "\(MonotonicClock.nanoseconds()) \(try await self.resourceVersion())"
        case .stop: break
        }
        return "\(MonotonicClock.nanoseconds())"
    }

    private static func text(_ counts: Counts) -> String {
        let requests = counts.requests.sorted { $0.key < $1.key }
            .map { "\($0.key.replacing(" ", with: "-"))=\($0.value)" }
        return
            (requests + [
                "unauthorized=\(counts.unauthorized)", "connections=\(counts.connections)",
                "open-connections=\(counts.openConnections)", "open-watches=\(counts.openWatches)",
                "bytes-sent=\(counts.bytesSent)", "bytes-received=\(counts.bytesReceived)",
            ]).joined(separator: " ")
    }

    private func perform(_ fault: Command.Fault) async throws {
        switch fault {
        case .expireWatches(let count, let expiry):
            try await self.setFaults {
                $0.expiredWatches = count
                $0.expiry = expiry
            }
        case .disconnect: try await self.dropConnections()
        case .cut: try await self.setFaults { $0.cutsNextObject = true }
        case .malformed: try await self.setFaults { $0.spoilsNextEvent = true }
        case .chunk(let size): try await self.setFaults { $0.chunkSize = size }
        case .slow(let rate): try await self.setFaults { $0.bytesPerSecond = rate }
        case .freeze(let isOn): try await self.setFaults { $0.isFrozen = isOn }
        case .fail(let count, let failure):
            try await self.setFaults { $0.failures = Array(repeating: failure, count: max(0, count)) }
        case .restart(let version): try await self.restart(resourceVersion: version)
        case .endWatches: try await self.endWatches()
        case .bookmarks: try await self.sendBookmarks()
        case .compact: try await self.compact()
        case .watchList(let mode): try await self.configure { $0.watchList = mode }
        case .none: try await self.setFaults { $0 = Faults() }
        }
    }
}
