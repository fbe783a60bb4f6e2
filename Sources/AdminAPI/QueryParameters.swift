internal import Networking

/// What stands behind the question mark of a request: `namespace=shop&service=web`.
struct QueryParameters {
    private var values: [String: String] = [:]

    /// Who asks for less must not be given more for a slip of the pen: what is not known, is given twice or has no value is an error.
    init(_ query: String, names: [String]) throws(APIFailure) {
        for part in query.split(separator: "&") {
            let pieces = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pieces.count == 2, let value = PercentEncoding.decode(pieces[1]), !value.isEmpty else {
                throw .badRequest("'\(part)' is not NAME=VALUE")
            }
            let name = String(pieces[0])
            guard names.contains(name) else {
                throw .badRequest(
                    "there is no parameter '\(name)': "
                        + (names.isEmpty ? "none can be given" : "\(names.joined(separator: ", ")) can be given"))
            }
            guard self.values.updateValue(value, forKey: name) == nil else {
                throw .badRequest("'\(name)' is given twice")
            }
        }
    }

    var count: Int { self.values.count }

    subscript(name: String) -> String? { self.values[name] }

    /// Path and query, for a request.
    static func target(_ path: AdminPath, _ parameters: [(name: String, value: String?)]) -> String {
        let given = parameters.compactMap { name, value in value.map { "\(name)=\(PercentEncoding.encode($0))" } }
        return given.isEmpty ? path.rawValue : "\(path.rawValue)?\(given.joined(separator: "&"))"
    }
}
