import Networking
import Nftables

/// A table with something of everything that can be said.
enum ExampleRuleset {
    static func make(_ table: TableReference) -> Ruleset {
        let endpoints = NamedSet(
            name: "endpoints",
            key: .typeof(.address(.ipv4, .destination), .transportProtocol, .destinationPort, .random(modulus: 65536)),
            data: .values(.typeof(.address(.ipv4, .destination), .destinationPort)), hasCounters: true, size: 1024,
            comment: "where connections go")
        let verdicts = NamedSet(
            name: "verdicts", key: .types(.ipv6Address, .transportProtocol, .port), data: .verdict, hasCounters: true)
        let ranges = NamedSet(name: "ranges", key: .types(.ipv4Address), flags: .interval)
        let timed = NamedSet(name: "timed", key: .types(.ipv6Address), flags: .timeout, timeout: 30_000)

        var slot = ElementBytes()
        slot.append(IPAddress(10, 96, 0, 10))
        slot.append(TransportProtocol.udp)
        slot.append(port: 53)
        slot.append(integer: 7)
        var backend = ElementBytes()
        backend.append(IPAddress(10, 244, 1, 2))
        backend.append(port: 5353)
        var frontend = ElementBytes()
        frontend.append(IPAddress(ipv6High: 0xfd00_0010_0096_0000, low: 0x10))
        frontend.append(TransportProtocol.sctp)
        frontend.append(port: 3868)
        let blocks = ["10.0.0.0/8", "192.168.1.1/32", "224.0.0.0/3"].compactMap { CIDR($0) }

        return Ruleset(
            table: table,
            sets: [endpoints, verdicts, ranges, timed],
            chains: [
                (
                    Chain(name: "balance"),
                    [
                        Rule(
                            .destinationNAT(
                                .ipv4,
                                [
                                    .address(.ipv4, .destination), .transportProtocol, .destinationPort,
                                    .random(modulus: 8),
                                ], map: "endpoints"), comment: "one of eight"),
                        Rule(.transportProtocol(.tcp), .reject(.tcpReset)), Rule(.counter, .reject(.portUnreachable)),
                    ]
                ),
                (
                    Chain(name: "pre", base: .init(.nat, .prerouting, priority: -100)),
                    [
                        Rule(
                            .verdictMap(
                                [.address(.ipv6, .destination), .transportProtocol, .destinationPort], map: "verdicts")),
                        Rule(
                            .lookup([.address(.ipv4, .source)], set: "ranges", isInverted: true),
                            .verdict(.goto("balance"))),
                        Rule(
                            .networkProtocol(.ipv6), .lookup([.address(.ipv6, .source)], set: "timed"), .verdict(.drop)),
                    ]
                ),
                (
                    Chain(name: "post", base: .init(.nat, .postrouting, priority: 100)),
                    [
                        Rule(
                            .destinationTranslated, .lookup([.originalAddress(.ipv4, .destination)], set: "ranges"),
                            .masquerade)
                    ]
                ),
            ],
            elements: [
                "endpoints": [Element(key: slot, value: .bytes(backend))],
                "verdicts": [Element(key: frontend, value: .verdict(.goto("balance")), comment: "default/diameter")],
                "ranges": blocks.flatMap { Element.range(AddressRange($0)) },
            ]
        )
    }
}
