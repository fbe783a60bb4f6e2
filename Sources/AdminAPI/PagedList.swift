/// A list that can be long, and comes in pages.
package protocol PagedList: Sendable {
    init(json: [UInt8]) throws(APIFailure)
    var isEmpty: Bool { get }
    /// What is to be told beside the list.
    var warning: String? { get }
    /// As `-o name` has it: a line for each.
    var names: String { get }
    /// - Parameter isWide: as `-o wide`.
    static func table(isWide: Bool) -> TextTable
    /// - Parameter now: nanoseconds since 1970.
    func append(to table: inout TextTable, isWide: Bool, now: Int64)
}

extension PagedList {
    package var warning: String? { nil }

    package func text(isWide: Bool = false, now: Int64 = 0) -> String {
        var table = Self.table(isWide: isWide)
        self.append(to: &table, isWide: isWide, now: now)
        return table.take()
    }
}
