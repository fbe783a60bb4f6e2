import AdminAPI
import KubernetesAPI
import Networking
import ServiceModel
import Testing

/// What `fairlead get frontends` and `get nodes` make of their lists.
@Suite struct NodeItemTests {
    @Test func `frontends are read as they were written, sorted`() throws {
        let nodePort = Frontend(.node(.ipv6), .udp, 30053)
        let address = Frontend(.address(try #require(IPAddress("10.96.0.10"))), .tcp, 80)
        func item(
            _ name: String, _ port: String, _ frontend: Frontend, _ kernel: String, bytes: UInt64? = nil
        ) -> (ObjectName, FrontendItem) {
            (
                ObjectName(namespace: "shop", name: name),
                FrontendItem(
                    service: "shop/\(name)\(port)", frontend: frontend, kernel: kernel,
                    wrongElements: kernel == "exact" ? 0 : 2, connections: bytes == nil ? 0 : 3, bytes: bytes)
            )
        }
        let last = ObjectName(namespace: "shop", name: "web-b")
        let written = FrontendList(
            [
                // By the names of Services, as pages go: `web-b/` stands before `web:`.
                item("web-b", "", nodePort, "exact"), item("web", ":http", address, "differs", bytes: 4096),
                item("dns", "", nodePort, "exact"),
            ], next: last, isTableExact: false)
        let document = Array(written.json.utf8)
        let list = try FrontendList(json: document)
        #expect(list == written && ListPage.next(in: document) == last)
        #expect(list.items.map(\.service) == ["shop/dns", "shop/web:http", "shop/web-b"])
        #expect(list.warning?.contains("not as planned") == true)
        for isExact in [nil, true] { #expect(FrontendList([], isTableExact: isExact).warning == nil) }
        #expect(
            list.text(isWide: true) == """
                SERVICE         FRONTEND                    KERNEL    CONNECTIONS   WRONG-ELEMENTS   BYTES
                shop/dns        nodePort 30053/udp (IPv6)   exact     0             0                <not accounted>
                shop/web:http   10.96.0.10:80/tcp           differs   3             2                4096
                shop/web-b      nodePort 30053/udp (IPv6)   exact     0             0                <not accounted>

                """)
        #expect(list.names.contains("frontend/10.96.0.10:80/tcp\n"))
        #expect(ObjectQuery(.frontends, name: "web").target == "/v1/frontends?service=web")
    }

    @Test func `the node`() throws {
        let node = NodeItem(
            node: "node-a", dataplane: "nftables", services: 2, endpoints: 5, zone: nil, addresses: ["192.168.50.2"],
            serviceCIDRs: [], pods: ["10.244.0.0/16"], version: "0.1.0")
        let items = try NodeItem.list(json: Array(NodeItem.document([node]).utf8))
        #expect(items == [node])
        #expect(
            NodeItem.table(items, isWide: true) == """
                NAME     DATAPLANE   SERVICES   ENDPOINTS   ZONE     NODEPORT-ADDRESSES   VERSION   PODS            SERVICE-CIDRS
                node-a   nftables    2          5           <none>   192.168.50.2         0.1.0     10.244.0.0/16   <none>

                """)
        let list = Array(#"{"apiVersion":"admin.fairlead.dev/v1","kind":"NodeList","items":[{"name":"a"}]}"#.utf8)
        #expect(throws: APIFailure.self) { try NodeItem.list(json: list) }
    }
}
