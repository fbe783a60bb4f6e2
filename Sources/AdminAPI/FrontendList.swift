package import KubernetesAPI
internal import Observability

/// What `GET /v1/frontends` answers: sorted by namespace, Service, port and frontend.
package struct FrontendList: Hashable, Sendable {
    package static let kind = "FrontendList"

    package let items: [FrontendItem]
    /// Behind which Service the next page begins; nil: there is none.
    package let next: ObjectName?
    /// All of the kernel's table is as planned, and nothing else is there; nil: it was changing, or not all of it was looked at.
    package let isTableExact: Bool?

    /// - Parameter items: with the Services that they are of.
    package init(_ items: [(service: ObjectName, item: FrontendItem)], next: ObjectName? = nil, isTableExact: Bool?) {
        self.items =
            items.sorted {
                ($0.service, $0.item.service, $0.item.frontend) < ($1.service, $1.item.service, $1.item.frontend)
            }.map(\.item)
        self.next = next
        self.isTableExact = isTableExact
    }

    package var json: String {
        APIDocument.text(Self.kind) { json in
            json.member("continue", self.next.map { "\($0)" })
            if let isTableExact { json.member("tableIsExact", isTableExact) }
            json.array("items") { json in
                for item in self.items { json.object { json in item.write(to: &json) } }
            }
        }
    }

    /// Members that are new are passed over.
    package init(json: [UInt8]) throws(APIFailure) {
        var items: [FrontendItem] = []
        var next: ObjectName?
        var isTableExact: Bool?
        let isOne = APIDocument.read(json, Self.kind) { (name, json) throws(JSONReader.Malformed) in
            switch name {
            case "continue": next = ListPage.name(try json.string())
            case "tableIsExact": isTableExact = try json.boolean()
            case "items":
                try json.array { (json) throws(JSONReader.Malformed) in items.append(try FrontendItem(reading: &json)) }
            default: try json.skip()
            }
        }
        guard isOne else {
            throw APIFailure(code: 502, message: "the answer is no \(Self.kind) of \(APIDocument.version)")
        }
        self.items = items
        self.next = next
        self.isTableExact = isTableExact
    }
}

/// What `fairlead get frontends` prints.
extension FrontendList: PagedList {
    package var isEmpty: Bool { self.items.isEmpty }

    package var warning: String? {
        self.isTableExact == false
            ? "The table is not as planned: elements are missing, others, or nobody's. The log says what becomes of it."
            : nil
    }

    package var names: String { self.items.map { "\($0.name)\n" }.joined() }

    package static func table(isWide: Bool) -> TextTable {
        TextTable(header: FrontendItem.header + (isWide ? FrontendItem.wideHeader : []))
    }

    package func append(to table: inout TextTable, isWide: Bool, now: Int64) {
        let count = FrontendItem.header.count + (isWide ? FrontendItem.wideHeader.count : 0)
        for item in self.items { table.append(Array(item.cells.prefix(count))) }
    }
}
