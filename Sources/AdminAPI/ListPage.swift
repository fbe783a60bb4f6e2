package import KubernetesAPI

/// A part of a list: `limit=1000&continue=shop/web`. Lists are in the order of their Services' names, so that a page begins behind the last
/// Service of the one before, whatever has come or gone meanwhile.
package struct ListPage: Hashable, Sendable {
    static let parameters = ["limit", "continue"]

    /// So many Services, with all that is listed of them.
    package let limit: Int
    /// nil: from the first.
    package let after: ObjectName?

    package init(limit: Int, after: ObjectName? = nil) {
        self.limit = limit
        self.after = after
    }

    /// nil where neither is given.
    init?(_ parameters: QueryParameters) throws(APIFailure) {
        guard let text = parameters["limit"] else {
            guard parameters["continue"] == nil else { throw .badRequest("'continue' is of a list with a limit") }
            return nil
        }
        guard let limit = Int(text), limit > 0 else { throw .badRequest("limit: '\(text)' is no number above 0") }
        self.limit = limit
        self.after = parameters["continue"].flatMap(Self.name)
        if let text = parameters["continue"], self.after == nil {
            throw .badRequest("continue: '\(text)' is not NAMESPACE/NAME")
        }
    }

    var values: [(name: String, value: String?)] {
        [("limit", "\(self.limit)"), ("continue", self.after.map { "\($0)" })]
    }

    /// Of `NAMESPACE/NAME`.
    static func name(_ text: String) -> ObjectName? {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count == 2 ? ObjectName(namespace: String(parts[0]), name: String(parts[1])) : nil
    }

    /// Which of sorted names are on the page, and where the next one begins; nil: this is the last.
    package static func select(
        _ names: [ObjectName], _ page: ListPage?
    ) -> (names: ArraySlice<ObjectName>, next: ObjectName?) {
        guard let page else { return (names[...], nil) }
        let start = page.after.map { after in names.partitioningIndex { after < $0 } } ?? 0
        let selected = names[start...].prefix(page.limit)
        return (selected, selected.endIndex < names.endIndex ? selected.last : nil)
    }

    /// Where the page behind a document begins, which stands before its items; nil: there is none, or it is no such document.
    package static func next(in document: [UInt8]) -> ObjectName? {
        var reader = JSONReader(document)
        var next: ObjectName?
        // Stops at the items, which are nearly all of it.
        try? reader.object { (member, json) throws(JSONReader.Malformed) in
            switch member {
            case "continue": next = Self.name(try json.string())
            case "items": throw json.malformed
            default: try json.skip()
            }
        }
        return next
    }
}

extension [ObjectName] {
    /// The first that is so, of sorted ones of which the last so many are; the end if none is.
    fileprivate func partitioningIndex(where isBehind: (ObjectName) -> Bool) -> Int {
        var (low, high) = (0, self.count)
        while low < high {
            let middle = (low + high) / 2
            if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
