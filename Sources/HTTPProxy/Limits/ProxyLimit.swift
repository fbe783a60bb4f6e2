/// One limit of the ingress role: how it is called, set, checked and told. ``all`` is the only list of them: the command
/// line, `docs/limits.md` and validation go by it.
package struct ProxyLimit: Sendable {
    /// The property of ``ProxyLimits``.
    package let name: String
    /// Without dashes. ingress-nginx's or nginx's name where they have the limit.
    package let flag: String
    /// What an Ingress sets it by, without `fairlead.dev/`; nil where it is not an Ingress's to say.
    package let annotation: String?
    package let unit: Unit
    /// What it may be.
    package let range: ClosedRange<Int>
    /// 0 is allowed beside the range, and means that there is no such limit.
    package let hasOff: Bool
    /// For `--help`, without the default.
    package let help: String

    package let path: any WritableKeyPath<ProxyLimits, Int> & Sendable

    package enum Unit: String, Sendable, CaseIterable {
        case time
        case size
        case count
        case percent
        /// Bytes a second.
        case rate
    }

    init(
        _ name: String, _ path: any WritableKeyPath<ProxyLimits, Int> & Sendable, flag: String,
        annotation: String? = nil, _ unit: Unit, _ range: ClosedRange<Int>, hasOff: Bool = false, _ help: String
    ) {
        self.name = name
        self.path = path
        self.flag = flag
        self.annotation = annotation
        self.unit = unit
        self.range = range
        self.hasOff = hasOff
        self.help = help
    }

    /// `15s`, `16k`, `100`.
    package var defaultText: String { self.unit.text(ProxyLimits()[keyPath: self.path]) }

    /// Sets it to what a user wrote.
    ///
    /// - Returns: what is wrong with that, without the flag's name; nil if nothing is, and it is set.
    package func set(_ text: String, in limits: inout ProxyLimits) -> String? {
        let off = self.hasOff ? ", or 0 for no limit" : ""
        guard let value = self.unit.value(text) else { return "must be \(self.unit.expected)\(off), not \"\(text)\"" }
        guard self.range.contains(value) || self.hasOff && value == 0 else {
            let (least, most) = (self.unit.text(self.range.lowerBound), self.unit.text(self.range.upperBound))
            return "must be \(least) to \(most)\(off), not \(text)"
        }
        limits[keyPath: self.path] = value
        return nil
    }

    /// `--flag 16k`.
    static func describe(_ path: WritableKeyPath<ProxyLimits, Int>, in limits: ProxyLimits) -> String {
        guard let limit = self.all.first(where: { $0.path == path }) else { return "\(limits[keyPath: path])" }
        return "--\(limit.flag) \(limit.unit.text(limits[keyPath: path]))"
    }
}

extension ProxyLimit.Unit {
    /// Suffixes, the largest first.
    private var suffixes: [(text: String, factor: Int)] {
        switch self {
        case .time: [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)]
        case .size: [("g", 1 << 30), ("m", 1 << 20), ("k", 1 << 10), ("", 1)]
        case .count, .rate, .percent: [("", 1)]
        }
    }

    /// What `value` reads.
    var expected: String {
        switch self {
        case .time: "a time such as 500ms, 15s or 1h30m, in seconds without a unit"
        case .size: "a number of bytes such as 8192, 16k or 1m"
        case .count, .rate, .percent: "a number"
        }
    }

    /// As few digits as it takes without a fraction; but `60s` and not `1m`, as is usual for times up to ten minutes.
    package func text(_ value: Int) -> String {
        guard value > 0 else { return "\(value)" }
        for (text, factor) in self.suffixes where value % factor == 0 {
            if self == .time, text == "m", value <= 600_000 { continue }
            return "\(value / factor)\(text)"
        }
        return "\(value)"
    }

    /// What a user wrote: nginx' sizes, Go's durations without fractions. nil if it is no such thing.
    package func value(_ text: String) -> Int? {
        let bytes = Array(text.utf8)
        var (total, index) = (0, 0)
        guard !bytes.isEmpty else { return nil }
        while index < bytes.count {
            let start = index
            var number = 0
            while index < bytes.count, (0x30...0x39).contains(bytes[index]) {
                let (product, isOver) = number.multipliedReportingOverflow(by: 10)
                let (sum, isTooMuch) = product.addingReportingOverflow(Int(bytes[index] - 0x30))
                guard !isOver, !isTooMuch else { return nil }
                number = sum
                index += 1
            }
            guard index > start else { return nil }
            let unit = index
            while index < bytes.count, !(0x30...0x39).contains(bytes[index]) { index += 1 }
            let suffix = String(decoding: bytes[unit..<index], as: UTF8.self).lowercased()
            // Without a unit: nothing before it or after it.
            let isBare = suffix.isEmpty && start == 0 && index == bytes.count
            let factor =
                isBare ? (self == .time ? 1_000 : 1) : suffix.isEmpty ? nil : self.factor(of: suffix)
            guard let factor else { return nil }
            let (product, isOver) = number.multipliedReportingOverflow(by: factor)
            let (sum, isTooMuch) = total.addingReportingOverflow(product)
            guard !isOver, !isTooMuch, self == .time || start == 0 else { return nil }
            total = sum
        }
        return total
    }

    private func factor(of suffix: String) -> Int? { self.suffixes.first { $0.text == suffix }?.factor }
}
