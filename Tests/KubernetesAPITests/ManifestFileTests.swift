import KubernetesAPI
import Testing

@Suite struct ManifestFileTests {
    @Test(arguments: ["", "\n", "---\n---\n", "# nothing\n", "null", "---\n...\n"])
    func nothingIsFine(source: String) {
        let content = Manifests.decode(source)
        #expect(content.objects.isEmpty && content.problems.isEmpty && !content.isBroken)
    }

    @Test func documentsAndListsAndJSON() {
        let json =
            #"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "js"}, "spec": {"ports": [{"port": 80}]}}"#
        #expect(Manifests.names(json) == ["Service default/js"])
        #expect(
            Manifests.problems(json.replacing("80", with: "\"80\"")) == [
                "a.yaml:1: Service default/js: spec.ports[0].port: must be an integer, not the string \"80\""
            ])
        let list = "apiVersion: v1\nkind: List\nitems:\n- \(json)\n- {kind: Pod, apiVersion: v1}\n"
        #expect(
            Manifests.names(Manifests.service + "---\n" + Manifests.slice + "---\n" + list) == [
                "Service shop/web", "EndpointSlice shop/web-x7k2p", "Service default/js",
            ])
        let typed = "apiVersion: v1\nkind: ServiceList\nitems:\n- metadata: {name: a}\n  spec: {ports: [{port: 0}]}\n"
        #expect(
            Manifests.problems(typed) == [
                "a.yaml:5: Service default/a: spec.ports[0].port: must be between 1 and 65535, not 0"
            ])
        let slices =
            "apiVersion: discovery.k8s.io/v1\nkind: EndpointSliceList\nitems: [{metadata: {name: a}, addressType: IPv4}]"
        #expect(Manifests.names(slices) == ["EndpointSlice default/a"])
    }

    @Test func linesAreThoseOfTheFile() {
        let content = Manifests.decode(Manifests.service + "---\n" + Manifests.slice)
        #expect(content.objects.map(\.line) == [1, 11])
    }

    @Test func otherKindsAreNotedOnce() {
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\n"
        let content = Manifests.decode(pod + pod + "apiVersion: apps/v1\nkind: Deployment\n---\n" + Manifests.service)
        #expect(
            content.problems.map(\.description) == [
                "a.yaml:1: objects of kind \"Pod\" are not read here; skipped",
                "a.yaml:9: objects of kind \"Deployment\" are not read here; skipped",
            ])
        #expect(content.problems.allSatisfy { $0.severity == .note })
        #expect(content.objects.count == 1)
    }

    @Test func theFirstOfTwoWins() {
        let other = Manifests.service.replacing("port: 80", with: "port: 81")
        let content = Manifests.decode(Manifests.service + "---\n" + other)
        guard case .service(let service)? = content.objects.first?.object else {
            Issue.record("no Service")
            return
        }
        #expect(content.objects.count == 1)
        #expect(service.ports.map(\.port) == [80])
        #expect(
            content.problems.map(\.description) == [
                "a.yaml:11: Service shop/web: already defined in line 1, which wins"
            ])
    }

    @Test func anAliasIsWhatItNames() {
        let source = Manifests.service(spec: "ports: &ports\n- port: 80\nother: *ports\nexternalIPs: &e [192.0.2.1]")
        #expect(Manifests.firstService(source)?.ports.map(\.port) == [80])
        let bad = Manifests.service(spec: "a: &p [{port: 0}]\nports: *p")
        #expect(
            Manifests.problems(bad) == [
                "a.yaml:6: Service default/web: spec.a[0].port: must be between 1 and 65535, not 0"
            ])
    }

    /// A syntax error anywhere condemns the whole file: what went before may be half of what was meant.
    @Test(arguments: [
        (Manifests.service + "---\na: [\n", 11),
        (Manifests.service + "---\n\tkind: x\n", 11),
        ("a: b: c\n", 1),
        ("a: *nothing\n", 1),
        ("&a [*a]\n", 1),
        ("a: \"open\n\n", 2),
        ("ok: 1\nnul: \0\n", 2),
        ("{\"a\": 1", 1),
    ])
    func syntaxErrorBreaksTheFile(source: String, line: Int) {
        let content = Manifests.decode(source)
        #expect(content.isBroken)
        #expect(content.objects.isEmpty)
        #expect(content.problems.map(\.line) == [line], "\(content.problems)")
    }

    @Test func bytesThatAreNotUTF8BreakTheFile() {
        let bytes = Array((Manifests.service + "x: ").utf8) + [0xff, 0xfe]
        let content = ManifestDecoder.decode(bytes, file: "b.yaml", limits: ManifestLimits())
        #expect(content.isBroken)
        #expect(content.problems.map(\.description) == ["b.yaml:10: invalid leading UTF-8 octet"])
    }
}
