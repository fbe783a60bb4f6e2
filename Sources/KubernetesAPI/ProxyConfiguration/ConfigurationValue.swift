internal import Networking

/// What is wrong with one value, as `must be ..., not "..."`.
package struct ConfigurationValueError: Error, Hashable, Sendable {
    package let reason: String

    init(_ reason: String) {
        self.reason = reason
    }

    init(_ text: String, mustBe what: String) {
        self.reason = "must be \(what), not \(FieldRules.quote(text))"
    }
}

/// A value that a field of a configuration file or a flag may have.
protocol ConfigurationValue: Hashable, Sendable {
    /// Of a flag's text, and of a string in a file.
    init(parsing text: String) throws(ConfigurationValueError)

    /// Of a file's node. Nil if it is wrong, of which the reader then knows.
    static func read(_ node: ManifestNode, _ reader: inout ManifestReader) -> Self?

    /// What Go's zero value is to the type. Most fields mean their default by it.
    var isZero: Bool { get }

    /// As it is written.
    var literal: ConfigurationLiteral { get }
}

extension ConfigurationValue {
    static func read(_ node: ManifestNode, _ reader: inout ManifestReader) -> Self? {
        guard let text = reader.string(node) else { return nil }
        return Self.parse(text, at: node, &reader)
    }

    static func parse(_ text: String, at node: ManifestNode, _ reader: inout ManifestReader) -> Self? {
        do throws(ConfigurationValueError) {
            return try Self(parsing: text)
        } catch {
            reader.fail(node, error.reason)
            return nil
        }
    }
}

extension String: ConfigurationValue {
    init(parsing text: String) { self = text }
    var isZero: Bool { self.isEmpty }

    var literal: ConfigurationLiteral { .string(self) }
}

extension Bool: ConfigurationValue {
    /// As Go's `strconv.ParseBool`.
    init(parsing text: String) throws(ConfigurationValueError) {
        switch text {
        case "1", "t", "T", "true", "TRUE", "True": self = true
        case "0", "f", "F", "false", "FALSE", "False": self = false
        default: throw ConfigurationValueError(text, mustBe: "true or false")
        }
    }

    static func read(_ node: ManifestNode, _ reader: inout ManifestReader) -> Bool? {
        guard node.isScalar, case .boolean(let boolean) = node.form else {
            reader.fail(node, "must be true or false, not \(ManifestReader.describe(node))")
            return nil
        }
        return boolean
    }

    var isZero: Bool { !self }
    var literal: ConfigurationLiteral { .boolean(self) }
}

extension Int: ConfigurationValue {
    init(parsing text: String) throws(ConfigurationValueError) {
        guard let number = Int(text) else { throw ConfigurationValueError(text, mustBe: "an integer") }
        self = number
    }

    static func read(_ node: ManifestNode, _ reader: inout ManifestReader) -> Int? {
        guard node.isScalar, case .integer(let number) = node.form else {
            reader.fail(node, "must be an integer, not \(ManifestReader.describe(node))")
            return nil
        }
        return Int(number)
    }

    var isZero: Bool { self == 0 }
    var literal: ConfigurationLiteral { .number("\(self)") }
}

extension Double: ConfigurationValue {
    init(parsing text: String) throws(ConfigurationValueError) {
        guard let number = Double(text), number.isFinite else {
            throw ConfigurationValueError(text, mustBe: "a number")
        }
        self = number
    }

    static func read(_ node: ManifestNode, _ reader: inout ManifestReader) -> Double? {
        switch node.isScalar ? node.form : .text {
        case .integer(let number): return Double(number)
        case .number: return Self.parse(node.text, at: node, &reader)
        case .null, .boolean, .text:
            reader.fail(node, "must be a number, not \(ManifestReader.describe(node))")
            return nil
        }
    }

    var isZero: Bool { self == 0 }
    var literal: ConfigurationLiteral { .number(Int(exactly: self).map { "\($0)" } ?? "\(self)") }
}

extension GoDuration: ConfigurationValue {
    init(parsing text: String) throws(ConfigurationValueError) {
        guard let duration = GoDuration(text) else {
            throw ConfigurationValueError(text, mustBe: "a duration such as 30s, 1m30s or 250ms")
        }
        self = duration
    }

    static func read(_ node: ManifestNode, _ reader: inout ManifestReader) -> GoDuration? {
        guard node.isScalar, node.form == .text else {
            let description = ManifestReader.describe(node)
            reader.fail(node, "must be a duration with its unit such as 30s, not \(description)")
            return nil
        }
        return Self.parse(node.text, at: node, &reader)
    }

    var isZero: Bool { self.nanoseconds == 0 }
    var literal: ConfigurationLiteral { .string(self.description) }
}

extension IPAddress: ConfigurationValue {
    init(parsing text: String) throws(ConfigurationValueError) {
        guard let address = IPAddress(text) else { throw ConfigurationValueError(text, mustBe: "an IP address") }
        self = address
    }

    /// Never: an address that is not given is an empty string, which is no address.
    var isZero: Bool { false }
    var literal: ConfigurationLiteral { .string(self.description) }
}

/// A list of strings that nothing here reads. On a command line commas divide it.
package struct StringList: ConfigurationValue {
    package var items: [String]

    package init(_ items: [String] = []) { self.items = items }

    init(parsing text: String) {
        self.items = text.isEmpty ? [] : text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }

    static func read(_ node: ManifestNode, _ reader: inout ManifestReader) -> StringList? {
        guard node.kind == .sequence else {
            reader.fail(node, "must be a list, not \(ManifestReader.describe(node))")
            return nil
        }
        let items = node.children.map { reader.string($0) }
        let texts = items.compactMap(\.self)
        return texts.count == items.count ? StringList(texts) : nil
    }

    var isZero: Bool { self.items.isEmpty }
    var literal: ConfigurationLiteral { .list(self.items.map { .string($0) }) }
}
