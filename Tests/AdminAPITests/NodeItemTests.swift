import AdminAPI
import Networking
import ServiceModel
import Testing

/// What `fairlead get frontends` and `get nodes` make of their lists.
@Suite struct NodeItemTests {
    @Test func `frontends are read as they were written, sorted`() throws {
        let nodePort = Frontend(.node(.ipv6), .udp, 30053)
        let address = Frontend(.address(try #require(IPAddress("10.96.0.10"))), .tcp, 80)
        let document = FrontendItem.document(
            [
                FrontendItem(
                    service: "shop/web:http", frontend: address, kernel: "differs", wrongElements: 2, connections: 3,
                    bytes: 4096),
                FrontendItem(
                    service: "shop/dns", frontend: nodePort, kernel: "exact", wrongElements: 0, connections: 0,
                    bytes: nil
                ),
            ], isTableExact: true)
        let items = try FrontendItem.list(json: Array(document.utf8))
        #expect(items.map(\.service) == ["shop/dns", "shop/web:http"])
        #expect(document.contains(#""tableIsExact":true"#))
        #expect(
            FrontendItem.table(items, isWide: true) == """
                SERVICE         FRONTEND                    KERNEL    CONNECTIONS   WRONG-ELEMENTS   BYTES
                shop/dns        nodePort 30053/udp (IPv6)   exact     0             0                <not accounted>
                shop/web:http   10.96.0.10:80/tcp           differs   3             2                4096

                """)
        #expect(items[1].name == "frontend/10.96.0.10:80/tcp")
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
