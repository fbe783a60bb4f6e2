import AdminAPI
import KubernetesAPI
import Networking
import ServiceModel
import Testing

/// Documents as JSON, and back; and what may be asked.
@Suite struct DocumentTests {
    @Test func `the document is to the byte as docs/admin-api.md has it`() throws {
        let list = EndpointList(items: [
            try TableTests.item("web", "10.244.1.5", .warmingUp) {
                $0.node = "node-a"
                $0.zone = "zone-1"
                $0.servedBy = .userspace
                $0.since = 1_763_800_000_250_000_000
                $0.share = 30
                $0.connections = 12
                $0.lastFailure = "connection \"refused\""
            },
            try TableTests.item("web", "fd00::5", .ready) { $0.servedBy = .kernel },
        ])
        #expect(
            list.json == #"{"apiVersion":"admin.fairlead.dev/v1","kind":"EndpointList","items":["#
                + #"{"namespace":"default","service":"web","port":"http","portNumber":80,"protocol":"TCP","#
                + #""address":"10.244.1.5","targetPort":8080,"node":"node-a","zone":"zone-1","servedBy":"userspace","#
                + #""state":"WarmingUp","since":"2025-11-22T08:26:40.250Z","sharePercent":30,"connections":12,"#
                + #""lastFailure":"connection \"refused\""},"#
                + #"{"namespace":"default","service":"web","port":"http","portNumber":80,"protocol":"TCP","#
                + #""address":"fd00::5","targetPort":8080,"servedBy":"kernel","state":"Ready","connections":null}]}"#)
        #expect(try EndpointList(json: Array(list.json.utf8)) == list)
    }

    @Test(arguments: EndpointState.allCases)
    func `every state comes back as it was`(state: EndpointState) throws {
        let list = EndpointList(items: [try TableTests.item("web", "10.244.1.5", state)])
        #expect(try EndpointList(json: Array(list.json.utf8)) == list)
    }

    @Test func `members that are new are passed over`() throws {
        let text = EndpointList(items: [try TableTests.item("web", "10.244.1.5", .ready)]).json
            .replacing(#""service""#, with: #""weather":{"rain":[1,2]},"service""#)
        #expect(try EndpointList(json: Array(text.utf8)).items.count == 1)
    }

    @Test(arguments: [
        "", "{}", "[]", #"{"apiVersion":"admin.fairlead.dev/v2","kind":"EndpointList","items":[]}"#,
        #"{"apiVersion":"admin.fairlead.dev/v1","kind":"RouteList","items":[]}"#,
        #"{"apiVersion":"admin.fairlead.dev/v1","kind":"EndpointList","items":[{}]}"#,
    ])
    func `what is no such document is an error`(text: String) {
        #expect(throws: APIFailure.self) { try EndpointList(json: Array(text.utf8)) }
    }

    @Test func `a state of another version is an error, and no state that there is`() throws {
        let text = EndpointList(items: [try TableTests.item("web", "10.244.1.5", .ready)]).json
            .replacing("Ready", with: "Asleep")
        #expect(throws: APIFailure.self) { try EndpointList(json: Array(text.utf8)) }
    }

    @Test func `failures are documents too`() {
        let failure = APIFailure(code: 404, message: "there is no '/x'")
        #expect(
            failure.json
                == #"{"apiVersion":"admin.fairlead.dev/v1","kind":"Status","code":404,"message":"there is no '/x'"}"#)
        #expect(APIFailure(json: Array(failure.json.utf8)) == failure)
        #expect(APIFailure(json: Array("404 page not found\n".utf8)) == nil)
    }

    @Test func `a query names a namespace, a Service, both or neither`() throws {
        #expect(try ObjectQuery(.endpoints, query: "") == ObjectQuery(.endpoints))
        #expect(try ObjectQuery(.endpoints, query: "namespace=shop") == ObjectQuery(.endpoints, namespace: "shop"))
        #expect(
            try ObjectQuery(.endpoints, query: "service=w%65b&namespace=shop")
                == ObjectQuery(.endpoints, namespace: "shop", name: "web"))
        #expect(ObjectQuery(.endpoints).target == "/v1/endpoints")
        #expect(
            ObjectQuery(.endpoints, namespace: "shop", name: "a&b=ü").target
                == "/v1/endpoints?namespace=shop&service=a%26b%3D%C3%BC")
    }

    @Test(arguments: [
        "name=web", "service", "service=", "service=%6", "service=%zz", "service=%ff", "service=a&service=b",
        "Service=web",
    ])
    func `any other is refused`(query: String) {
        let failure = #expect(throws: APIFailure.self) { try ObjectQuery(.endpoints, query: query) }
        #expect(failure?.code == 400)
    }
}
