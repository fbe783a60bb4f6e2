public import Bytes

/// One field line of a head: where its name and its value are.
@frozen
public struct FieldLine: BitwiseCopyable, Hashable, Sendable {
    public var name: ByteRange
    /// Without white space around it.
    public var value: ByteRange
    /// Where the line ends, behind its CRLF. It begins with its name.
    public var end: UInt32
    public var field: KnownField
    /// It is not forwarded: `Connection` names it, or its name is not to be trusted.
    public var isDropped: Bool

    init(name: ByteRange, value: ByteRange, end: Int, field: KnownField, isDropped: Bool) {
        self.name = name
        self.value = value
        self.end = UInt32(truncatingIfNeeded: end)
        self.field = field
        self.isDropped = isDropped
    }
}

/// The field lines of one head, in their order. Allocated once, used for one head after another.
///
/// **Unsafe, and why it is right.** `lines` and `firstIndices` come from `allocate`, are initialised over their whole length
/// (`capacity`, 64) and owned by this value alone (`~Copyable`). Every index is checked against `count`; a
/// ``KnownField``'s raw value is below 64.
@safe
package struct FieldTable: ~Copyable {
    private let lines: UnsafeMutablePointer<FieldLine>
    private let firstIndices: UnsafeMutablePointer<UInt16>
    package let capacity: Int
    package private(set) var count = 0
    /// Fields that are there.
    package private(set) var presence: FieldSet = []
    /// Fields that are there more than once.
    package private(set) var repeated: FieldSet = []
    /// Whether any line is not forwarded for itself.
    package private(set) var hasDropped = false

    /// - Parameter capacity: as many lines as ``MessageLimits/fields`` allows.
    package init(capacity: Int = MessageLimits().fields) {
        precondition(capacity > 0 && capacity <= Int(UInt16.max), "no capacity for fields: \(capacity)")
        self.capacity = capacity
        unsafe self.lines = .allocate(capacity: capacity)
        let none = ByteRange(start: 0, count: 0)
        unsafe self.lines.initialize(
            repeating: FieldLine(name: none, value: none, end: 0, field: .other, isDropped: false), count: capacity)
        unsafe self.firstIndices = .allocate(capacity: 64)
        unsafe self.firstIndices.initialize(repeating: 0, count: 64)
    }

    deinit {
        unsafe self.lines.deallocate()
        unsafe self.firstIndices.deallocate()
    }

    package subscript(index: Int) -> FieldLine {
        @inline(always)
        get {
            precondition(index >= 0 && index < self.count)
            return unsafe self.lines[index]
        }
    }

    /// The first line with that field.
    @inline(always)
    package func index(of field: KnownField) -> Int? {
        guard self.presence.contains(field) else { return nil }
        return unsafe Int(self.firstIndices[Int(field.rawValue)])
    }

    /// The value of the first line with that field.
    package func value(of field: KnownField) -> ByteRange? {
        guard let index = self.index(of: field) else { return nil }
        return self[index].value
    }

    package mutating func removeAll() {
        self.count = 0
        self.presence = []
        self.repeated = []
        self.hasDropped = false
    }

    /// The caller has checked that there is room.
    @inline(always)
    mutating func append(_ line: FieldLine) {
        precondition(self.count < self.capacity)
        let index = self.count
        unsafe self.lines[index] = line
        self.count = index &+ 1
        if line.isDropped { self.hasDropped = true }
        guard line.field != .other else { return }
        let bit = FieldSet(line.field)
        if self.presence.rawValue & bit.rawValue != 0 {
            self.repeated.rawValue |= bit.rawValue
        } else {
            unsafe self.firstIndices[Int(line.field.rawValue)] = UInt16(truncatingIfNeeded: index)
            self.presence.rawValue |= bit.rawValue
        }
    }

    mutating func drop(_ index: Int) {
        precondition(index >= 0 && index < self.count)
        unsafe self.lines[index].isDropped = true
        self.hasDropped = true
    }
}
