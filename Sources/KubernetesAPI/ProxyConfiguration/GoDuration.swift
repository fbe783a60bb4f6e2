/// A length of time as Go writes it and `metav1.Duration` takes it: `1h30m`, `1.5s`, `250ms`, `0s`.
package struct GoDuration: Hashable, Sendable, Comparable {
    package let nanoseconds: Int64

    package static let zero = GoDuration(nanoseconds: 0)

    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    package static func seconds(_ count: Int64) -> GoDuration {
        GoDuration(nanoseconds: count * 1_000_000_000)
    }

    /// Without what does not make a whole second.
    package var wholeSeconds: Int { Int(self.nanoseconds / 1_000_000_000) }

    package var duration: Duration { .nanoseconds(self.nanoseconds) }

    package static func < (left: Self, right: Self) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// Nanoseconds of each unit of `time.ParseDuration`. The micro sign and the Greek letter both count.
    private static let units: [String: Int64] = [
        "ns": 1, "us": 1_000, "\u{b5}s": 1_000, "\u{3bc}s": 1_000, "ms": 1_000_000, "s": 1_000_000_000,
        "m": 60_000_000_000, "h": 3_600_000_000_000,
    ]

    /// Nil if Go's `time.ParseDuration` would not take it.
    package init?(_ text: String) {
        var rest = text.unicodeScalars[...]
        let isNegative = rest.first == "-"
        if isNegative || rest.first == "+" { rest = rest.dropFirst() }
        if String(rest) == "0" {
            self.nanoseconds = 0
            return
        }
        guard !rest.isEmpty else { return nil }
        var total: Int64 = 0
        while !rest.isEmpty {
            guard let part = Self.part(of: &rest) else { return nil }
            let (sum, overflow) = total.addingReportingOverflow(part)
            guard !overflow else { return nil }
            total = sum
        }
        self.nanoseconds = isNegative ? -total : total
    }

    /// One number and its unit.
    private static func part(of rest: inout Substring.UnicodeScalarView) -> Int64? {
        func digits() -> Substring.UnicodeScalarView {
            let digits = rest.prefix { ("0"..."9").contains($0) }
            rest = rest[digits.endIndex...]
            return digits
        }
        let whole = digits()
        var fraction = rest.prefix(0)
        if rest.first == "." {
            rest = rest.dropFirst()
            fraction = digits()
        }
        guard !whole.isEmpty || !fraction.isEmpty else { return nil }
        let name = rest.prefix { $0 != "." && !("0"..."9").contains($0) }
        rest = rest[name.endIndex...]
        guard let unit = self.units[String(name)], let count = whole.isEmpty ? 0 : Int64(String(whole)) else {
            return nil
        }
        let (product, overflow) = count.multipliedReportingOverflow(by: unit)
        guard !overflow else { return nil }
        // Digits behind the last nanosecond say nothing.
        var scale = unit
        var added: Int64 = 0
        for digit in fraction {
            scale /= 10
            added += scale * Int64(digit.value - 48)
        }
        let (sum, secondOverflow) = product.addingReportingOverflow(added)
        return secondOverflow ? nil : sum
    }
}

extension GoDuration: CustomStringConvertible {
    /// As Go's `Duration.String()`: `1h30m0s`, `1.5s`, `250ms`.
    package var description: String {
        let magnitude = self.nanoseconds.magnitude
        let sign = self.nanoseconds < 0 ? "-" : ""
        switch magnitude {
        case 0: return "0s"
        case ..<1_000: return "\(sign)\(magnitude)ns"
        case ..<1_000_000: return "\(sign)\(Self.decimal(magnitude, per: 1_000))\u{b5}s"
        case ..<1_000_000_000: return "\(sign)\(Self.decimal(magnitude, per: 1_000_000))ms"
        default: break
        }
        let minutes = magnitude / 60_000_000_000
        let seconds = "\(Self.decimal(magnitude % 60_000_000_000, per: 1_000_000_000))s"
        guard minutes > 0 else { return sign + seconds }
        return "\(sign)\(minutes >= 60 ? "\(minutes / 60)h" : "")\(minutes % 60)m\(seconds)"
    }

    private static func decimal(_ value: UInt64, per unit: UInt64) -> String {
        var digits = String(value % unit)
        digits = String(repeating: "0", count: String(unit).count - 1 - digits.count) + digits
        while digits.last == "0" { digits.removeLast() }
        return digits.isEmpty ? "\(value / unit)" : "\(value / unit).\(digits)"
    }
}
