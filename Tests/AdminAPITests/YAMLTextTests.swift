import AdminAPI
import Testing

/// `-o yaml`.
@Suite struct YAMLTextTests {
    @Test func `objects, lists and scalars`() throws {
        let json = #"""
            {"apiVersion":"admin.fairlead.dev/v1","kind":"RouteList","generation":7,"items":[{"host":"*.a.example","path":"/cart","tls":true,
             "names":["a","b"],"none":[],"empty":{},"inner":{"x":-1.5e3,"y":null}},[1,["no"]],"say \"hi\"\n",""]}
            """#
        #expect(
            try YAMLText.text(json: Array(json.utf8)) == #"""
                apiVersion: admin.fairlead.dev/v1
                kind: RouteList
                generation: 7
                items:
                - host: "*.a.example"
                  path: /cart
                  tls: true
                  names:
                  - a
                  - b
                  none: []
                  empty: {}
                  inner:
                    x: -1.5e3
                    "y": null
                - - 1
                  - - "no"
                - "say \"hi\"\n"
                - ""

                """#)
    }

    /// What could be read as something else is quoted.
    @Test(arguments: [
        "10.0.0.1", "2026-01-01T00:00:00Z", "- a", "a: b", "#", "true", "Null", "~", "a b", "\u{1b}[0m", "ü", "1e3",
    ])
    func `text stays text`(text: String) throws {
        let escaped = text == "\u{1b}[0m" ? "\\u001b[0m" : text
        let yaml = try YAMLText.text(json: Array("[\"\(escaped)\"]".utf8))
        #expect(yaml.hasPrefix("- \"") && yaml.hasSuffix("\"\n"), "\(yaml)")
        #expect(!yaml.contains("\u{1b}"))
    }

    @Test(arguments: ["", "{", "[1", "{} x", "{\"a\"}", "nul"])
    func `what is no JSON is refused`(text: String) {
        #expect(throws: APIFailure.self) { try YAMLText.text(json: Array(text.utf8)) }
    }
}
