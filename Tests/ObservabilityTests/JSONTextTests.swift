import Observability
import Testing

@Suite struct JSONTextTests {
    @Test func `members, lists and what is left out`() {
        var json = JSONText()
        json.object { json in
            json.member("name", "web")
            json.member("missing", nil as String?)
            json.member("count", 3)
            json.member("ready", true)
            json.array("empty") { _ in }
            json.array("hosts", ["a", "b"])
            json.array("items") { json in
                for number in 1...2 { json.object { json in json.member("n", number) } }
            }
            json.object("inner") { json in json.member("x", -1) }
            json.member("last", false)
        }
        #expect(
            json.text
                == #"{"name":"web","count":3,"ready":true,"empty":[],"hosts":["a","b"],"items":[{"n":1},{"n":2}],"#
                + #""inner":{"x":-1},"last":false}"#)
    }

    /// RFC 8259 section 7.
    @Test(arguments: [
        ("\"\\", #""\"\\""#), ("a\nb", #""a\nb""#), ("\u{0}\u{1f}\t", #""\u0000\u001f\u0009""#), ("ö€", "\"ö€\""),
        ("/", #""/""#),
    ])
    func `text is quoted`(text: String, expected: String) {
        var json = JSONText()
        json.element(text)
        #expect(json.text == expected)
    }
}
