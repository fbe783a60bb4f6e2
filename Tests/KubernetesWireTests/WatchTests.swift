import KubernetesAPI
import KubernetesWire
import Testing

/// Watches, however they are cut.
@Suite struct WatchTests {
    static let streams: [(WireFormat, [UInt8])] = [
        (.protobuf, Wrapped.watch), (.json, Array(RecordedJSON.watch.utf8)),
    ]

    static func events(
        _ pieces: some Sequence<ArraySlice<UInt8>>,
        _ format: WireFormat,
        limits: WireLimits = WireLimits()
    ) throws(WireError) -> (events: [WatchEvent], isBetweenEvents: Bool) {
        var decoder = WatchDecoder(kind: .endpointSlice, format: format, limits: limits)
        var events: [WatchEvent] = []
        for piece in pieces {
            decoder.append(piece)
            while let event = try decoder.next() { events.append(event) }
        }
        return (events, decoder.isBetweenEvents)
    }

    private static func expected() throws -> [WatchEvent] {
        let object = try DecodedObject(decoding: Wrapped.slice(), kind: .endpointSlice, format: .protobuf)
        return [
            .added(object),
            .bookmark(resourceVersion: "48220", isInitialEventsEnd: true),
            .modified(object),
            .deleted(object.object.key, resourceVersion: "48213"),
            .bookmark(resourceVersion: "48300", isInitialEventsEnd: false),
            .unrecognized(type: "PAUSED"),
            .error(
                APIStatus(code: 410, reason: "Expired", message: "too old resource version: 100 (48213)")
            ),
        ]
    }

    @Test(arguments: Self.streams)
    func everyEventIsRead(format: WireFormat, stream: [UInt8]) throws {
        let (events, isBetweenEvents) = try Self.events([stream[...]], format)
        #expect(try events == Self.expected())
        #expect(isBetweenEvents)
    }

    @Test(arguments: Self.streams)
    func everyCutGivesTheSame(format: WireFormat, stream: [UInt8]) throws {
        #expect(try Self.events(stream.indices.map { stream[$0...$0] }, format).events == Self.expected())
        for seed in 0..<50 {
            let (events, _) = try Self.events(pieces(of: stream, largest: 1 + seed * 20, seed: UInt64(seed)), format)
            #expect(try events == Self.expected())
        }
    }

    @Test(arguments: Self.streams)
    func anEndInTheMiddleIsSeen(format: WireFormat, stream: [UInt8]) throws {
        for length in [1, 3, 4, 5, 100] {
            #expect(try !Self.events([stream.prefix(length)], format).isBetweenEvents)
        }
        #expect(try Self.events([], format).isBetweenEvents)
    }

    @Test func anEventLongerThanTheLimitIsAnErrorBeforeItHasArrived() throws {
        let limits = WireLimits(maximumObjectSize: 1_000)
        let frame: [UInt8] = [0, 0, 3, 0xe9]
        let protobuf = #expect(throws: WireError.self) { try Self.events([frame[...]], .protobuf, limits: limits) }
        #expect(protobuf?.code == .tooLarge)
        #expect(protobuf?.message == "an event of 1001 bytes in the watch of EndpointSlice: the limit is 1000")
        let text = Array((#"{"type":"ADDED","object":{"a":""# + String(repeating: "x", count: 1_000)).utf8)
        let json = #expect(throws: WireError.self) { try Self.events([text[...]], .json, limits: limits) }
        #expect(json?.code == .tooLarge)
    }

    /// A megabyte in pieces of 16 bytes would be 32 GiB of looking if each piece had all looked at again.
    @Test(.timeLimit(.minutes(1)), arguments: WireFormat.allCases)
    func aLargeEventInSmallPiecesIsLookedAtOnce(format: WireFormat) throws {
        let note = String(repeating: "a{\\\"", count: 1 << 18)
        let object = #"{"metadata":{"name":"big","annotations":{"x":"\#(note)"}},"addressType":"IPv4"}"#
        let entry = Wrapped.field(1, Array("x".utf8)) + Wrapped.field(2, Array(note.utf8))
        let metadata = Wrapped.field(1, Array("big".utf8)) + Wrapped.field(12, entry)
        let stream =
            switch format {
            case .protobuf: Wrapped.frame("ADDED", Wrapped.slice(Wrapped.field(1, metadata)))
            case .json: Array(#"{"type":"ADDED","object":\#(object)}"#.utf8)
            }
        let chunks = stride(from: 0, to: stream.count, by: 16).lazy.map { stream[$0..<min($0 + 16, stream.count)] }
        let (events, _) = try Self.events(chunks, format)
        guard case .added(let decoded)? = events.first else { return #expect(Bool(false), "\(events)") }
        #expect(decoded.object.key.description == "EndpointSlice default/big")
    }

    @Test func manyEventsInOneChunkAreTakenOneByOne() throws {
        let frame = Wrapped.frame("MODIFIED", Wrapped.slice())
        let stream = Array(repeatElement(frame, count: 2_000).joined())
        #expect(try Self.events([stream[...]], .protobuf).events.count == 2_000)
    }

    @Test(arguments: [
        "[]", "null", "x", #"{"type":"ADDED"}"#, #"{"object":{}}"#, #"{}"#, #"{"type":"ADDED","object":{}}"#,
        #"{"type":"ADDED","object":[]}"#, #"{"type":"ADDED","object":{"metadata":{"name":1}}}"#,
    ])
    func brokenJSONIsAnError(text: String) {
        #expect(throws: WireError.self) { try Self.events([Array(text.utf8)[...]], .json) }
    }

    @Test func anotherKindInAWatchIsAnError() {
        let frame = Wrapped.frame("ADDED", Wrapped.envelope("v1", "Service", RecordedProtobuf.service))
        let error = #expect(throws: WireError.self) { try Self.events([frame[...]], .protobuf) }
        #expect(error?.code == .unexpectedKind)
    }
}
