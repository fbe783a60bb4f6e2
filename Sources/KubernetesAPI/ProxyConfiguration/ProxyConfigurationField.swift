/// One field of the configuration: what it is called in a file and on the command line, what it means to
/// Fairlead, and how it is read, checked and written. ``all`` is the only list of them: decoding, the notice
/// about fields without meaning, `--write-config-to` and the flags go by it.
package struct ProxyConfigurationField: Sendable {
    package enum Meaning: Hashable, Sendable {
        case honoured
        /// Accepted, and told once where it is not the default.
        case none
    }

    /// `conntrack.maxPerCore`.
    package let path: String
    /// `conntrack-max-per-core`; nil if there is no flag for it.
    package let flag: String?
    package let meaning: Meaning

    /// Reads a node that is not null. What is wrong goes to the reader.
    let read: @Sendable (ManifestNode, inout ManifestReader, inout ProxyConfiguration) -> Void
    /// Reads a flag's text.
    let parse: @Sendable (String, inout ProxyConfiguration) throws(ConfigurationValueError) -> Void
    let literal: @Sendable (ProxyConfiguration) -> ConfigurationLiteral
    /// Whether two configurations agree about it.
    let isEqual: @Sendable (ProxyConfiguration, ProxyConfiguration) -> Bool

    /// - Parameters:
    ///   - keepsZero: the type's zero is a value like any other. Otherwise it is another word for the default.
    ///   - check: what is wrong with a value; nil for nothing.
    init<Value: ConfigurationValue>(
        _ path: String,
        _ value: any WritableKeyPath<ProxyConfiguration, Value> & Sendable,
        flag: String? = nil,
        _ meaning: Meaning = .honoured,
        keepsZero: Bool = false,
        check: @escaping @Sendable (Value) -> String? = { _ in nil }
    ) {
        self.path = path
        self.flag = flag
        self.meaning = meaning
        self.read = { node, reader, configuration in
            guard let read = Value.read(node, &reader) else { return }
            if let reason = check(read) { return reader.fail(node, reason) }
            if keepsZero || !read.isZero { configuration[keyPath: value] = read }
        }
        self.parse = { text, configuration throws(ConfigurationValueError) in
            let parsed = try Value(parsing: text)
            if let reason = check(parsed) { throw ConfigurationValueError(reason) }
            configuration[keyPath: value] = parsed
        }
        self.literal = { $0[keyPath: value].literal }
        self.isEqual = { $0[keyPath: value] == $1[keyPath: value] }
    }

    /// Whether it has no meaning here, and was set to something else than the default.
    package func isInVain(in configuration: ProxyConfiguration) -> Bool {
        self.meaning == .none && !self.isEqual(configuration, ProxyConfiguration())
    }

    package static func field(ofFlag flag: String) -> ProxyConfigurationField? {
        self.byFlag[flag]
    }

    private static let byFlag = Dictionary(
        Self.all.compactMap { field in field.flag.map { ($0, field) } }, uniquingKeysWith: { first, _ in first })
}

// MARK: - Rules for values

/// What single values have to keep, as kube-proxy has them (pkg/proxy/apis/config/validation/validation.go).
enum ConfigurationRule {
    static func within(_ range: ClosedRange<Int>) -> @Sendable (Int) -> String? {
        { value in
            range.contains(value)
                ? nil : "must be between \(range.lowerBound) and \(range.upperBound), not \(value)"
        }
    }

    static let count = Self.within(0...Int(Int32.max))
    static let bit = Self.within(0...31)

    @Sendable static func notNegative(_ value: GoDuration) -> String? {
        value < .zero ? "must not be negative: \(value)" : nil
    }

    /// Of the kernel, which counts seconds. A part of one would become none, and none means at once.
    @Sendable static func wholeSeconds(_ value: GoDuration) -> String? {
        if let reason = self.notNegative(value) { return reason }
        if value != .zero, value < .seconds(1) { return "must be 0s or at least 1s, not \(value)" }
        return value > .seconds(Int64(Int32.max)) ? "must be at most \(Int32.max)s, not \(value)" : nil
    }

    /// The kernel's `IFNAMSIZ`, less the NUL.
    @Sendable static func interface(_ name: String) -> String? {
        if name.utf8.count <= 15, !name.contains("/"), !name.contains(" "), !name.contains("*") { return nil }
        return ConfigurationValueError(name, mustBe: "the name of an interface, of at most 15 bytes").reason
    }
}
