internal import Bytes

/// Reads the head of a request (RFC 9110, RFC 9112), strictly, in one pass and without copying: what two programs could
/// understand differently is refused.
package enum RequestParser {
    /// Reads a head that begins with the first of `bytes`; what follows it is not looked at.
    /// - Parameter fields: gets the field lines; what it held is gone, whatever the outcome.
    package static func parse(
        _ bytes: Span<UInt8>, limits: MessageLimits, fields: inout FieldTable
    ) -> RequestParse {
        fields.removeAll()
        let start: Int
        switch Self.skipEmptyLines(bytes) {
        case .at(let first): start = first
        case .unfinished: return bytes.count < limits.head ? .incomplete : .refused(Refusal(.headTooLarge))
        case .fault(let fault): return .refused(Refusal(fault))
        }

        var bound = LineBound(
            start: start, limit: limits.startLine, fault: .targetTooLong, bytes: bytes.count, head: limits.head)
        do throws(LineProblem) {
            let line = try RequestLine(bytes, from: start, to: bound.end)
            var position = line.end
            while true {
                bound = LineBound(
                    start: position, limit: limits.fieldLine, fault: .fieldTooLong, bytes: bytes.count,
                    head: limits.head)
                guard position < bound.end else { throw .unfinished }
                if bytes[position] == .carriageReturn {
                    guard position &+ 1 < bound.end else { throw .unfinished }
                    guard bytes[position &+ 1] == .lineFeed else { throw .fault(.bareCarriageReturn) }
                    break
                }
                let field = try FieldLineParser.parse(
                    bytes, from: position, to: bound.end, underscores: limits.underscores)
                guard fields.count < fields.capacity, fields.count < limits.fields else {
                    throw .fault(.tooManyFields)
                }
                fields.append(field)
                position = Int(field.end)
            }
            return .complete(try Self.head(bytes, line, length: position &+ 2, fields: &fields))
        } catch {
            guard let fault = bound.fault(for: error) else { return .incomplete }
            return .refused(Refusal(fault))
        }
    }

    enum Beginning: BitwiseCopyable {
        case at(Int)
        case unfinished
        case fault(MessageFault)
    }

    /// Passes over a few empty lines (RFC 9112 section 2.2).
    @inline(always)
    static func skipEmptyLines(_ bytes: Span<UInt8>) -> Beginning {
        if _fastPath(bytes.count > 0 && bytes[0] != .carriageReturn) { return .at(0) }
        var index = 0
        var lines = 0
        while index < bytes.count, bytes[index] == .carriageReturn {
            guard lines < MessageLimits.leadingEmptyLines else { return .fault(.emptyLines) }
            guard index &+ 1 < bytes.count else { return .unfinished }
            guard bytes[index &+ 1] == .lineFeed else { return .fault(.bareCarriageReturn) }
            lines &+= 1
            index &+= 2
        }
        return index < bytes.count ? .at(index) : .unfinished
    }

    // MARK: - Meaning

    /// What the lines mean together.
    @inline(always)
    private static func head(
        _ bytes: Span<UInt8>, _ line: RequestLine, length: Int, fields: inout FieldTable
    ) throws(LineProblem) -> RequestHead {
        let authority = try Self.authority(bytes, line, fields: fields)

        var framing = RequestFraming.none
        if !fields.presence.isDisjoint(with: FieldSet(.contentLength).union(FieldSet(.transferEncoding))) {
            if try HeadSemantics.isChunked(bytes, minorVersion: line.minorVersion, fields: fields) {
                framing = .chunked
            } else if let length = try HeadSemantics.contentLength(bytes, fields: &fields), length > 0 {
                framing = .length(length)
            }
        }
        let options = try HeadSemantics.connectionOptions(bytes, fields: &fields)

        var head = RequestHead(
            method: line.method,
            methodName: line.methodName,
            form: line.form,
            target: line.target,
            path: line.path,
            query: line.query,
            authority: authority,
            minorVersion: line.minorVersion,
            length: length,
            framing: framing,
            keepsAlive: options.keepsAlive(minorVersion: line.minorVersion),
            expectsContinue: false,
            acceptsTrailers: false,
            upgrade: .none,
            upgradeField: 0,
            presence: fields.presence
        )
        let rare = FieldSet(.expect).union(FieldSet(.te)).union(FieldSet(.upgrade))
        if _slowPath(!fields.presence.isDisjoint(with: rare)) {
            try Self.readRareFields(bytes, options, fields: fields, into: &head)
        }
        return head
    }

    @inline(always)
    private static func authority(
        _ bytes: Span<UInt8>, _ line: RequestLine, fields: borrowing FieldTable
    ) throws(LineProblem) -> Authority {
        guard let index = fields.index(of: .host) else {
            guard line.minorVersion == 0 else { throw .fault(.missingHost) }
            let none = ByteRange(start: 0, count: 0)
            return line.authority ?? Authority(kind: .none, name: none, text: none, port: 0, hasUppercase: false)
        }
        guard !fields.repeated.contains(.host) else { throw .fault(.repeatedHost) }
        guard let authority = HostName.parse(bytes, fields[index].value) else { throw .fault(.invalidHost) }
        // An absolute target says whom the request is for, whatever Host says (RFC 9112 section 3.2.2).
        return line.authority ?? authority
    }

    @inline(never)
    private static func readRareFields(
        _ bytes: Span<UInt8>, _ options: HeadSemantics.ConnectionOptions, fields: borrowing FieldTable,
        into head: inout RequestHead
    ) throws(LineProblem) {
        if let index = fields.index(of: .expect) {
            guard !fields.repeated.contains(.expect), bytes.equals("100-continue", fields[index].value) else {
                throw .fault(.unknownExpectation)
            }
            // Nobody can wait in HTTP/1.0, or with nothing to send (RFC 9110 section 10.1.1).
            head.expectsContinue = head.minorVersion >= 1 && head.framing != .none
        }
        for index in 0..<fields.count where fields[index].field == .te {
            var list = ListElements(fields[index].value)
            while let coding = list.next(bytes) {
                if bytes.equals("trailers", coding) { head.acceptsTrailers = true }
            }
        }
        // A body before the switch could be taken for what comes behind it.
        guard let index = fields.index(of: .upgrade), options.upgrade, head.minorVersion >= 1, head.framing == .none
        else { return }
        head.upgrade = HeadSemantics.upgrade(bytes, fields: fields)
        if head.upgrade == .webSocket, head.method != .get { head.upgrade = .none }
        head.upgradeField = UInt16(truncatingIfNeeded: index)
    }
}
