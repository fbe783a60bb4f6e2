import KubernetesAPI
import KubernetesWire
import Lab

/// Envelopes, frames and events put together by hand, by the rules of the protobuf encoding and of
/// apimachinery/pkg/runtime/serializer, and with nothing of KubernetesWire.
enum Wrapped {
    static func varint(_ value: Int) -> [UInt8] {
        value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7f) | 0x80] + self.varint(value >> 7)
    }

    static func field(_ number: Int, _ content: [UInt8]) -> [UInt8] {
        self.varint(number << 3 | 2) + self.varint(content.count) + content
    }

    /// Where the fields of a message end, which are numbers or have a length below 16 KiB.
    static func ends(ofFieldsIn message: [UInt8]) -> [Int] {
        var ends: [Int] = []
        var position = 0
        while position < message.count {
            let isNumber = message[position] & 7 == 0
            position += 1
            var value = Int(message[position] & 0x7f)
            if message[position] & 0x80 != 0 {
                position += 1
                value |= Int(message[position]) << 7
            }
            position += 1 + (isNumber ? 0 : value)
            ends.append(position)
        }
        return ends
    }

    static func envelope(_ apiVersion: String, _ kind: String, _ content: [UInt8]) -> [UInt8] {
        let typeMeta = self.field(1, Array(apiVersion.utf8)) + self.field(2, Array(kind.utf8))
        // Go writes the last two fields though they are empty.
        return [0x6b, 0x38, 0x73, 0] + self.field(1, typeMeta) + self.field(2, content) + [0x1a, 0, 0x22, 0]
    }

    static func frame(_ type: String, _ object: [UInt8]) -> [UInt8] {
        let event = self.field(1, Array(type.utf8)) + self.field(2, self.field(1, object))
        return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: event.count >> $0) } + event
    }

    static func slice(_ content: [UInt8] = RecordedProtobuf.endpointSlice) -> [UInt8] {
        self.envelope("discovery.k8s.io/v1", "EndpointSlice", content)
    }

    static func sliceList(_ content: [UInt8] = RecordedProtobuf.endpointSliceList) -> [UInt8] {
        self.envelope("discovery.k8s.io/v1", "EndpointSliceList", content)
    }

    /// A slice of which only this metadata is there.
    static func bookmark(resourceVersion: String, isInitialEventsEnd: Bool) -> [UInt8] {
        var metadata = self.field(6, Array(resourceVersion.utf8))
        if isInitialEventsEnd {
            let entry = self.field(1, Array("k8s.io/initial-events-end".utf8)) + self.field(2, Array("true".utf8))
            metadata += self.field(12, entry)
        }
        return self.slice(self.field(1, metadata))
    }

    /// All sorts of events, one after the other.
    static let watch: [UInt8] =
        Self.frame("ADDED", Self.slice())
        + Self.frame("BOOKMARK", Self.bookmark(resourceVersion: "48220", isInitialEventsEnd: true))
        + Self.frame("MODIFIED", Self.slice()) + Self.frame("DELETED", Self.slice())
        + Self.frame("BOOKMARK", Self.bookmark(resourceVersion: "48300", isInitialEventsEnd: false))
        + Self.frame("PAUSED", Self.slice())
        + Self.frame("ERROR", Self.envelope("v1", "Status", RecordedProtobuf.expired))
}

/// Cuts bytes into pieces, the same way for the same seed.
func pieces(of bytes: [UInt8], largest: Int, seed: UInt64) -> [ArraySlice<UInt8>] {
    var random = SeededGenerator(seed: seed)
    var rest = bytes[...]
    var pieces: [ArraySlice<UInt8>] = []
    while !rest.isEmpty {
        let length = Int.random(in: 1...largest, using: &random)
        pieces.append(rest.prefix(length))
        rest = rest.dropFirst(length)
    }
    return pieces
}
