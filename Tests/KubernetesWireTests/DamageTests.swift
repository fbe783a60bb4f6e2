import KubernetesAPI
import KubernetesWire
import Lab
import Testing

/// Good bytes, damaged at random but the same way each time: an error or an object, never a crash or a hang.
@Suite struct DamageTests {
    private static func damaged(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            guard let index = bytes.indices.randomElement(using: &random) else { break }
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes.removeSubrange(index...)
            case 1: bytes[index] = UInt8.random(in: 0...255, using: &random)
            case 2: bytes[index] ^= 1 << UInt8.random(in: 0...7, using: &random)
            case 3: bytes.removeSubrange(index..<min(bytes.count, index + Int.random(in: 1...20, using: &random)))
            case 4:
                let words: [[UInt8]] = [
                    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], [0x12, 0xff, 0xff, 0xff, 0x7f],
                    [0x0b], [0],
                    Array("{}".utf8), Array("[[[[".utf8), Array("\"\\u".utf8), Array("null".utf8), Array("1e999".utf8),
                ]
                bytes.insert(contentsOf: words.randomElement(using: &random) ?? [], at: index)
            default: bytes.swapAt(index, bytes.indices.randomElement(using: &random) ?? index)
            }
        }
        return bytes
    }

    /// What happened to all rounds: how many still decoded, how many did not.
    private static func rounds(
        _ count: Int,
        _ sources: [[UInt8]],
        seed: UInt64,
        _ decode: ([UInt8], Int) throws(WireError) -> Void
    ) -> (good: Int, bad: Int) {
        var random = SeededGenerator(seed: seed)
        var good = 0
        for round in 0..<count {
            let bytes = Self.damaged(sources[round % sources.count], &random)
            do throws(WireError) {
                try decode(bytes, round)
                good += 1
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
        return (good, count - good)
    }

    @Test(.timeLimit(.minutes(1)))
    func objectsAreDecodedOrRefused() {
        for (kind, protobuf, json) in DecodingTests.objects {
            let envelope = Wrapped.envelope(kind.apiVersion, kind.rawValue, protobuf)
            let binary = Self.rounds(500, [envelope], seed: 1) { bytes, _ throws(WireError) in
                _ = try DecodedObject(decoding: bytes, kind: kind, format: .protobuf)
            }
            let text = Self.rounds(500, [Array(json.utf8)], seed: 2) { bytes, _ throws(WireError) in
                _ = try DecodedObject(decoding: bytes, kind: kind, format: .json)
            }
            // The damage was of every sort.
            #expect(binary.good > 25 && binary.bad > 100 && text.good > 25 && text.bad > 100, "\(binary) \(text)")
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func listsAreDecodedOrRefused() {
        let bodies = [Wrapped.sliceList(), Array(RecordedJSON.endpointSliceList.utf8)]
        let outcome = Self.rounds(2_000, bodies, seed: 3) { bytes, round throws(WireError) in
            let format: WireFormat = round % 2 == 0 ? .protobuf : .json
            var decoder = ObjectListDecoder(kind: .endpointSlice, format: format)
            for piece in pieces(of: bytes, largest: 300, seed: UInt64(round)) { _ = try decoder.append(piece) }
            _ = try decoder.finish()
        }
        #expect(outcome.good > 50 && outcome.bad > 500, "\(outcome)")
    }

    @Test(.timeLimit(.minutes(1)))
    func watchesAreDecodedOrRefused() {
        var random = SeededGenerator(seed: 5)
        var good = 0
        var bad = 0
        for round in 0..<2_000 {
            let (format, stream) = WatchTests.streams[round % 2]
            let bytes = Self.damaged(stream, &random)
            do {
                _ = try WatchTests.events(pieces(of: bytes, largest: 500, seed: UInt64(round)), format)
                good += 1
            } catch {
                bad += 1
            }
        }
        #expect(good > 50 && bad > 500, "\(good) \(bad)")
    }

    @Test(.timeLimit(.minutes(1)))
    func anyBodyIsAStatus() {
        var random = SeededGenerator(seed: 6)
        let bodies = [Wrapped.envelope("v1", "Status", RecordedProtobuf.tooLarge), Array(RecordedJSON.tooLarge.utf8)]
        for round in 0..<1_000 {
            let format: WireFormat = round % 2 == 0 ? .protobuf : .json
            let body = Self.damaged(bodies[round % 2], &random)
            let status = APIStatus(body: body, contentType: format.mediaType, code: 504)
            #expect(status.message.unicodeScalars.count <= 300)
        }
    }

    /// What is skipped is not walked into by recursion: no stack is used up.
    @Test func deepNestingInAnUnknownFieldIsSkipped() throws {
        let lists = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
        let json = Array(#"{"metadata":{"name":"a"},"future":\#(lists)}"#.utf8)
        let decoded = try DecodedObject(decoding: json, kind: .node, format: .json)
        #expect(decoded.object.key.description == "Node a")
    }
}
