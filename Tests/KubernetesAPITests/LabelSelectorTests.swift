import KubernetesAPI
import Testing

/// Selectors mean what kubectl's mean.
@Suite struct LabelSelectorTests {
    private static let labels = LabelSet([
        "app": "web", "app.kubernetes.io/part-of": "shop", "tier": "front", "canary": "",
    ])

    @Test(arguments: [
        ("app", true), ("!app", false), ("ap", false), ("!ap", true), ("app=web", true), ("app==web", true),
        ("app = web", true), ("app=we", false), ("app!=web", false), ("app!=api", true), ("missing!=x", true),
        ("missing=x", false), ("canary", true), ("canary=", true), ("canary!=", false),
        ("app.kubernetes.io/part-of=shop", true), ("app in (web)", true), ("app in (api, web)", true),
        ("app in (api)", false), ("app notin (api,x)", true), ("app notin (web)", false), ("missing notin (web)", true),
        ("app=web,tier=front", true), ("app=web,tier=back", false), ("tier in (front,back),!missing,app", true),
    ])
    func whatMatches(text: String, matches: Bool) throws {
        let selector = try LabelSelector(text)
        #expect(selector.matches(Self.labels) == matches)
        #expect(selector.description == text)
    }

    @Test func withoutLabels() throws {
        #expect(try LabelSelector("!app").matches(LabelSet()))
        #expect(try !LabelSelector("app").matches(LabelSet()))
    }

    @Test(arguments: [
        "", ",", "a,", "=b", "a=b c", "a===b", "a in", "a in ()x", "a within (b)", "in (b)", "a in (b", "-a", "a=-b",
        "!", "a b",
    ])
    func whatIsNone(text: String) {
        #expect(throws: LabelSelector.Problem.self) { try LabelSelector(text) }
    }

    @Test func theOrderOfLabelsIsNoDifference() {
        #expect(LabelSet(["a": "1", "b": "2"]) == LabelSet(["b": "2", "a": "1"]))
        #expect(LabelSet(["a": "1"]) != LabelSet(["a": "2"]))
    }
}
