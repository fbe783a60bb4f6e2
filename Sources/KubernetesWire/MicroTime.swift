internal import SwiftProtobuf

/// A time with microseconds (metav1.MicroTime), as Events and Leases have it.
package struct MicroTime: Sendable, Hashable, Comparable {
    package let microsecondsSince1970: Int64

    private static let perSecond: Int64 = 1_000_000

    package init(microsecondsSince1970: Int64) {
        self.microsecondsSince1970 = microsecondsSince1970
    }

    package static func < (left: Self, right: Self) -> Bool {
        left.microsecondsSince1970 < right.microsecondsSince1970
    }

    /// nil for the empty message, which stands for no time.
    init?(_ message: Google_Protobuf_Timestamp) {
        guard message.seconds != 0 || message.nanos != 0 else { return nil }
        let (product, overflow) = message.seconds.multipliedReportingOverflow(by: Self.perSecond)
        let (sum, carry) = product.addingReportingOverflow(Int64(message.nanos) / 1_000)
        guard !overflow, !carry else { return nil }
        self.init(microsecondsSince1970: sum)
    }

    var message: Google_Protobuf_Timestamp {
        var microseconds = self.microsecondsSince1970
        // The API server reads exactly six digits of a fraction in JSON, and swift-protobuf writes as few groups
        // of three as do. No time that is sent ends in three zeros.
        if microseconds % 1_000 == 0 { microseconds += 1 }
        let (seconds, rest) = microseconds.quotientAndRemainder(dividingBy: Self.perSecond)
        let isBefore = rest < 0
        return Google_Protobuf_Timestamp(
            seconds: isBefore ? seconds - 1 : seconds,
            nanos: Int32((isBefore ? rest + Self.perSecond : rest) * 1_000)
        )
    }
}
