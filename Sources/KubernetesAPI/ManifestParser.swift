// libyaml's events, read one by one. A parser that builds a tree of its own (Yams has the one for Swift)
// recurses once per level of nesting, hashes whole subtrees to find duplicate keys (exponential where
// aliases are keys), and measured twice the time of everything done here.
internal import CYaml

/// A file that is not YAML, or asks for more than ``ManifestLimits`` allow.
struct ManifestSyntaxError: Error, Hashable {
    let line: Int
    let reason: String

    static func nestedTooDeep(line: Int, _ limits: ManifestLimits) -> Self {
        Self(line: line, reason: "nested deeper than \(limits.maximumDepth) levels")
    }
}

/// Splits a file into documents with libyaml's event parser. JSON is read as the YAML it is.
///
/// libyaml keeps its own stack on the heap and this keeps its on the heap too, so no nesting, however
/// deep, overflows a thread's.
@safe
struct ManifestParser: ~Copyable {
    /// libyaml keeps pointers into this, so it has an address of its own. Initialised while `self` lives.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let limits: ManifestLimits

    private init(limits: ManifestLimits) {
        unsafe self.parser = .allocate(capacity: 1)
        unsafe self.parser.initialize(to: yaml_parser_t())
        self.limits = limits
    }

    deinit {
        unsafe yaml_parser_delete(self.parser)
        unsafe self.parser.deallocate()
    }

    /// Calls `body` with each document in turn; the document is only valid during the call.
    static func parse(
        _ bytes: [UInt8],
        limits: ManifestLimits,
        body: (ManifestDocument) -> Void
    ) throws(ManifestSyntaxError) {
        // Lines and offsets are 32 bits wide; escapes make text at most half again as long as its source.
        guard bytes.count <= min(limits.maximumFileSize, Int(Int32.max)) else {
            throw ManifestSyntaxError(line: 1, reason: "larger than \(limits.maximumFileSize) bytes")
        }
        var failure: ManifestSyntaxError?
        unsafe bytes.withUnsafeBufferPointer { buffer in
            do throws(ManifestSyntaxError) {
                let parser = ManifestParser(limits: limits)
                guard unsafe yaml_parser_initialize(parser.parser) == 1 else {
                    throw ManifestSyntaxError(line: 1, reason: "out of memory")
                }
                // Fixed, so that a byte order mark cannot choose UTF-16, which nothing else here expects.
                unsafe yaml_parser_set_encoding(parser.parser, YAML_UTF8_ENCODING)
                // The buffer outlives the parser: both end with this closure.
                unsafe yaml_parser_set_input_string(parser.parser, buffer.baseAddress, buffer.count)
                try parser.run(bytes, body)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    private borrowing func run(
        _ bytes: [UInt8],
        _ body: (ManifestDocument) -> Void
    ) throws(ManifestSyntaxError) {
        let document = ManifestDocument()
        var builder = ManifestBuilder(limits: self.limits)
        while true {
            var event = unsafe yaml_event_t()
            guard unsafe yaml_parser_parse(self.parser, &event) == 1 else { throw self.syntaxError(bytes) }
            defer { unsafe yaml_event_delete(&event) }
            let line = unsafe Int(event.start_mark.line) + 1
            switch unsafe event.type {
            case YAML_STREAM_END_EVENT:
                return
            case YAML_DOCUMENT_START_EVENT:
                document.removeAll()
                builder = ManifestBuilder(limits: self.limits)
            case YAML_DOCUMENT_END_EVENT:
                body(document)
            case YAML_SCALAR_EVENT:
                let scalar = unsafe event.data.scalar
                // Valid until the event is deleted: libyaml owns it.
                let text = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
                let isPlain = unsafe scalar.plain_implicit != 0 || Self.isResolvedTag(scalar.tag)
                let start = UInt32(document.text.count)
                unsafe document.text.append(contentsOf: text)
                let scalarAnchor = unsafe Self.string(scalar.anchor)
                try builder.add(
                    isPlain ? .plainScalar : .textScalar,
                    line: line,
                    start: start,
                    count: UInt32(text.count),
                    anchor: scalarAnchor,
                    to: document
                )
            case YAML_SEQUENCE_START_EVENT:
                let anchor = unsafe Self.string(event.data.sequence_start.anchor)
                try builder.open(.sequence, line: line, anchor: anchor, in: document)
            case YAML_MAPPING_START_EVENT:
                let anchor = unsafe Self.string(event.data.mapping_start.anchor)
                try builder.open(.mapping, line: line, anchor: anchor, in: document)
            case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
                try builder.close(in: document)
            case YAML_ALIAS_EVENT:
                let name = unsafe Self.string(event.data.alias.anchor) ?? ""
                try builder.addAlias(name, line: line, to: document)
            default:
                break
            }
        }
    }

    /// A tag that says the text is to be read as what it looks like: `!!int "80"`.
    private static func isResolvedTag(_ tag: UnsafePointer<UInt8>?) -> Bool {
        guard let tag = unsafe self.string(tag) else { return false }
        return ["int", "bool", "null", "float"].contains { tag == "tag:yaml.org,2002:\($0)" }
    }

    /// libyaml's strings end with NUL and hold UTF-8.
    private static func string(_ pointer: UnsafePointer<UInt8>?) -> String? {
        guard let pointer = unsafe pointer else { return nil }
        return unsafe String(cString: pointer)
    }

    private borrowing func syntaxError(_ bytes: [UInt8]) -> ManifestSyntaxError {
        let problem = unsafe self.parser.pointee.problem.map { unsafe String(cString: $0) } ?? "not YAML"
        guard unsafe self.parser.pointee.error == YAML_READER_ERROR else {
            // What is missing at the end is missing from the last line, not from the one after it.
            let lines = bytes.dropLast().count { $0 == UInt8(ascii: "\n") } + 1
            let line = unsafe min(Int(self.parser.pointee.problem_mark.line) + 1, lines)
            // libyaml looks ahead, so its own limit, which is higher, may be met first.
            if problem.hasPrefix("Maximum nesting level") {
                return .nestedTooDeep(line: line, self.limits)
            }
            return ManifestSyntaxError(line: line, reason: problem)
        }
        // The reader knows bytes, not lines.
        let offset = unsafe min(Int(self.parser.pointee.problem_offset), bytes.count)
        let line = bytes[..<offset].count { $0 == UInt8(ascii: "\n") } + 1
        return ManifestSyntaxError(line: line, reason: problem)
    }
}
