import KubernetesAPI
import Networking
import ServiceModel
import Testing

@testable import StreamBalancer

/// What a change is to the workers.
@Suite struct StreamBoardTests {
    private static let clusterIP = StreamAddress(.tcp, IPAddress(10, 96, 0, 10), 80)
    private static let nodePort = StreamAddress(.tcp, IPAddress(192, 0, 2, 1), 30_080)

    private static func serve(_ address: StreamAddress, _ route: Route, outside: Route? = nil) -> StreamChange {
        .serve(address, Stage.frontend(address, route, outside: outside))
    }

    private static func local(_ port: UInt16) -> Route {
        .backends(.local, [WeightedBackend(Backend(IPAddress(127, 0, 0, 1), port))])
    }

    @Test func `frontends of one Service port share their endpoints`() {
        var board = StreamBoard()
        let delta = board.apply([
            Self.serve(Self.clusterIP, Stage.route([1, 2])),
            Self.serve(Self.nodePort, Stage.route([1, 2]), outside: Self.local(1)),
        ])
        #expect(delta.groups.map(\.endpoints.count) == [2, 1])
        #expect(delta.groups.map(\.number) == [0, 1])
        #expect(delta.frontends.map(\.target) == [.group(0), .group(0)])
        #expect(delta.frontends.map(\.outside) == [nil, .group(1)])
        #expect(delta.retired.isEmpty && delta.withdrawn.isEmpty)
    }

    @Test func `nothing new is nothing to do`() {
        var board = StreamBoard()
        let changes = [Self.serve(Self.clusterIP, Stage.route([1, 2]))]
        #expect(!board.apply(changes).isEmpty)
        #expect(board.apply(changes).isEmpty)
    }

    @Test func `other endpoints are a change of the group alone`() {
        var board = StreamBoard()
        _ = board.apply([Self.serve(Self.clusterIP, Stage.route([1, 2]))])
        let delta = board.apply([Self.serve(Self.clusterIP, Stage.route([1, 2, 3]))])
        #expect(delta.groups.map(\.endpoints.count) == [3])
        #expect(delta.frontends.isEmpty && delta.retired.isEmpty)
    }

    @Test func `a group lives as long as a frontend leads there, and then its number is free`() {
        var board = StreamBoard()
        _ = board.apply([
            Self.serve(Self.clusterIP, Stage.route([1])), Self.serve(Self.nodePort, Stage.route([1])),
        ])
        #expect(board.apply([.withdraw(Self.nodePort)]).retired.isEmpty)
        let delta = board.apply([Self.serve(Self.clusterIP, .refuse)])
        #expect(delta.retired.map(\.number) == [0])
        #expect(delta.frontends.map(\.isServed) == [false])
        let again = board.apply([Self.serve(Self.clusterIP, Self.local(4))])
        #expect(again.groups.map(\.number) == [0])
    }

    @Test func `a reservation is the sockets' business alone`() {
        var board = StreamBoard()
        var delta = board.apply([.reserve(Self.nodePort)])
        #expect(delta.reserved == [Self.nodePort] && delta.frontends.isEmpty && delta.withdrawn.isEmpty)
        #expect(board.apply([.reserve(Self.nodePort)]).isEmpty)
        delta = board.apply([Self.serve(Self.nodePort, Stage.route([1]))])
        #expect(delta.frontends.count == 1 && delta.released.isEmpty)
        delta = board.apply([.reserve(Self.nodePort)])
        #expect(delta.withdrawn == [Self.nodePort] && delta.reserved == [Self.nodePort])
        #expect(delta.retired.count == 1)
        delta = board.apply([.withdraw(Self.nodePort)])
        #expect(delta.released == [Self.nodePort] && delta.withdrawn.isEmpty)
    }

    @Test func `what is not served cannot be withdrawn`() {
        var board = StreamBoard()
        #expect(board.apply([.withdraw(Self.clusterIP)]).isEmpty)
    }

    @Test func `names have endpoints of their own`() {
        var board = StreamBoard()
        var policy = StreamPolicy()
        policy.serverNames = [
            .init(name: "a.example", route: Stage.route([5])), .init(name: "b.example", route: .refuse),
        ]
        let delta = board.apply([
            .serve(Self.clusterIP, Stage.frontend(Self.clusterIP, Stage.route([1]), policy: policy))
        ])
        #expect(delta.frontends[0].target == .group(0))
        #expect(delta.frontends[0].named.map(\.target) == [.group(1), .refuse])
        #expect(delta.groups[1].key.serverName == "a.example")
    }
}
