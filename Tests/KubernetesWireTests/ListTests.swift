import KubernetesAPI
import KubernetesWire
import Testing

/// Lists and their pages, however they are cut.
@Suite struct ListTests {
    private static let bodies: [(WireFormat, [UInt8])] = [
        (.protobuf, Wrapped.sliceList()), (.json, Array(RecordedJSON.endpointSliceList.utf8)),
    ]

    private static func decode(
        _ pieces: [ArraySlice<UInt8>],
        _ format: WireFormat,
        kind: ObjectKind = .endpointSlice,
        limits: WireLimits = WireLimits()
    ) throws(WireError) -> ObjectList {
        var decoder = ObjectListDecoder(kind: kind, format: format, limits: limits)
        var objects: [DecodedObject] = []
        for piece in pieces { objects += try decoder.append(piece) }
        var list = try decoder.finish()
        list.objects = objects + list.objects
        return list
    }

    @Test(arguments: Self.bodies)
    func aPageIsRead(format: WireFormat, body: [UInt8]) throws {
        let list = try ObjectList(decoding: body, kind: .endpointSlice, format: format)
        #expect(list.resourceVersion == "900")
        #expect(list.continueToken == "abc")
        #expect(list.remainingItemCount == 7)
        #expect(
            list.objects.map(\.object.key.description) == ["EndpointSlice shop/web-x7k2p", "EndpointSlice a/second"])
        #expect(list.objects.map(\.resourceVersion) == ["48213", "2"])
        let first = try DecodedObject(decoding: Wrapped.slice(), kind: .endpointSlice, format: .protobuf)
        #expect(list.objects.first == first)
    }

    @Test(arguments: Self.bodies)
    func everyCutGivesTheSame(format: WireFormat, body: [UInt8]) throws {
        let whole = try ObjectList(decoding: body, kind: .endpointSlice, format: format)
        #expect(try Self.decode(body.indices.map { body[$0...$0] }, format) == whole)
        for seed in 0..<20 {
            #expect(try Self.decode(pieces(of: body, largest: 200, seed: UInt64(seed)), format) == whole)
        }
    }

    @Test func objectsComeBeforeTheListIsComplete() throws {
        let body = Wrapped.sliceList()
        var decoder = ObjectListDecoder(kind: .endpointSlice, format: .protobuf)
        #expect(try decoder.append(body.dropLast(20)).count == 1)
        #expect(try decoder.append(body.suffix(20)).count == 1)
        #expect(try decoder.finish().objects.isEmpty)
    }

    @Test(arguments: Self.bodies)
    func anEndInTheMiddleIsAnError(format: WireFormat, body: [UInt8]) {
        // JSON ends with a new line.
        for length in 0..<body.count - 1 {
            // The two fields behind the content may be missing.
            if format == .protobuf, [2, 4].contains(body.count - length) { continue }
            #expect(throws: WireError.self, "\(length) of \(body.count) bytes") {
                try ObjectList(decoding: Array(body.prefix(length)), kind: .endpointSlice, format: format)
            }
        }
    }

    @Test func aListOfAnotherKindIsRefused() {
        let error = #expect(throws: WireError.self) {
            try ObjectList(decoding: Wrapped.sliceList(), kind: .service, format: .protobuf)
        }
        #expect(error?.code == .unexpectedKind)
        #expect(error?.message == "discovery.k8s.io/v1 EndpointSliceList came where v1 ServiceList was asked for")
    }

    @Test func anEmptyListIsRead() throws {
        let metadata = Wrapped.field(1, Wrapped.field(2, Array("12".utf8)))
        let protobuf = try ObjectList(decoding: Wrapped.sliceList(metadata), kind: .endpointSlice, format: .protobuf)
        #expect(protobuf == ObjectList(resourceVersion: "12"))
        let json = #"{"kind":"EndpointSliceList","metadata":{"resourceVersion":"12"},"items":null}"#
        #expect(try ObjectList(decoding: Array(json.utf8), kind: .endpointSlice, format: .json) == protobuf)
    }

    @Test func limitsAreKept() {
        let limits = WireLimits(maximumObjectSize: 100, maximumListSize: 1_000)
        for (format, body) in Self.bodies {
            let error = #expect(throws: WireError.self) { try Self.decode([body[...]], format, limits: limits) }
            #expect(error?.code == .tooLarge)
        }
    }

    @Test func anItemLongerThanItsListIsAnError() {
        // A list of 4 bytes whose item says it has 100; more bytes follow it.
        let body = Wrapped.sliceList([0x12, 100, 0, 0]) + [UInt8](repeating: 0, count: 200)
        let error = #expect(throws: WireError.self) { try Self.decode([body[...]], .protobuf) }
        #expect(error?.message == "an object in the EndpointSliceList is longer than the list")
    }

    @Test func namesAreSharedFromPageToPage() throws {
        var first = ObjectListDecoder(kind: .endpointSlice, format: .protobuf)
        _ = try first.append(Wrapped.sliceList())
        var second = ObjectListDecoder(kind: .endpointSlice, format: .protobuf, strings: first.strings)
        #expect(try second.append(Wrapped.sliceList()).count == 2)
    }
}
