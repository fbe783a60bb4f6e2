import Lab
import Testing

/// What `/ingress/backends` says of the endpoints of one backend, in their order.
struct HealthPage {
    let standings: [String]
    let problems: [String]

    init(_ scene: IngressScene, _ service: String, port: Int = 80) throws {
        let text = try scene.page("/ingress/backends").text
        let name = "\"backend\":\"default/\(service):\(port)\""
        let start = try #require(text.firstRange(of: name), "\(text)").upperBound
        let rest = text[start...]
        let end = rest.firstRange(of: "\"backend\":")?.lowerBound ?? rest.endIndex
        self.standings = Self.values("health", rest[..<end])
        self.problems = Self.values("problem", rest[..<end])
    }

    private static func values(_ key: String, _ text: Substring) -> [String] {
        var (values, rest) = ([String](), text)
        while let range = rest.firstRange(of: "\"\(key)\":\"") {
            rest = rest[range.upperBound...]
            let value = rest.prefix { $0 != "\"" }
            values.append(String(value))
        }
        return values
    }
}
