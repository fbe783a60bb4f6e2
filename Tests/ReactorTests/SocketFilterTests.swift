import Linux
import Networking
import Reactor
import Testing

@Suite struct SocketFilterTests {
    private static func ranges(_ texts: [String]) throws -> [AddressRange] {
        try texts.map { AddressRange(try #require(CIDR($0))) }
    }

    @Test(
        arguments: [
            [], ["0.0.0.0/0"], ["10.0.0.0/8"], ["10.1.2.3/32"], ["0.0.0.0/32"], ["255.255.255.255/32"],
            ["10.0.0.0/8", "192.168.0.0/16", "172.16.0.0/12"], ["10.0.0.0/9", "10.128.0.0/9"],
            ["0.0.0.0/1", "128.0.0.0/1"], ["10.0.0.0/8", "2001:db8::/32"],
            ["2001:db8::/32"], ["2001:db8::1/128"], ["::/0"], ["::/128"], ["::/1", "8000::/1"], ["::/63"],
            ["2001:db8::/64", "2001:db8:0:1::/64", "fd00::/8"], ["2001:db8::/33", "2001:db8::8000:0:0/97"],
            ["2001:db8::1/128", "2001:db8::3/128", "2001:db8::1:0:0/96", "2001:db8:1::/48"],
        ])
    func `it takes what comes from the blocks, and at their edges nothing else`(blocks: [String]) throws {
        let ranges = try Self.ranges(blocks)
        for family in AddressFamily.allCases {
            let filter = try SocketFilter(admitting: ranges, family: family)
            for address in Self.probes(ranges, family) {
                let isAdmitted = ranges.contains {
                    $0.first.family == family && $0.first <= address && address <= $0.last
                }
                #expect(try Interpreter.takes(filter, address) == isAdmitted, "\(address)")
            }
        }
    }

    @Test(arguments: AddressFamily.allCases, [1, 2, 3, 40])
    func `it takes what comes from any ranges`(family: AddressFamily, count: Int) throws {
        var numbers = SystemRandomNumberGenerator()
        for _ in 0..<20 {
            let ranges = try (0..<count).map { _ in
                let (a, b) = (Self.address(family, &numbers), Self.address(family, &numbers))
                return try #require(AddressRange(min(a, b), max(a, b)))
            }
            // Wide ones swallow each other; narrow ones stay.
            let narrow = ranges.compactMap { AddressRange($0.first, $0.first.successor?.successor ?? $0.first) }
            for ranges in [ranges, narrow] {
                let filter = try SocketFilter(admitting: ranges, family: family)
                for address in Self.probes(ranges, family) + (0..<20).map({ _ in Self.address(family, &numbers) }) {
                    let isAdmitted = ranges.contains { $0.first <= address && address <= $0.last }
                    #expect(try Interpreter.takes(filter, address) == isAdmitted, "\(address) of \(ranges)")
                }
            }
        }
    }

    @Test func `as many blocks as users write fit, and too many are said`() throws {
        func blocks(_ count: UInt32) -> [AddressRange] {
            (0..<count).map { AddressRange(CIDR(host: IPAddress(ipv4: 0x0a00_0000 + $0 * 2))) }
        }
        let filter = try SocketFilter(admitting: blocks(600), family: .ipv4)
        #expect(try Interpreter.steps(filter, IPAddress(10, 0, 1, 0)) < 40, "found by halving")
        let error = #expect(throws: SocketFilter.TooLong.self) {
            try SocketFilter(admitting: blocks(2_000), family: .ipv4)
        }
        #expect(error?.ranges == 2_000)
        #expect(error?.description.contains("2000 ranges") == true)
    }

    // MARK: - In the kernel

    @Test(arguments: [("127.0.0.0/8", true), ("127.0.0.1/32", true), ("127.0.0.2/32", false), ("::/0", false)])
    func `a UDP socket gets what its filter takes`(block: String, isTaken: Bool) throws {
        let filter = try SocketFilter(admitting: try Self.ranges([block]), family: .ipv4)
        let filtered = try DatagramListener(at: .anyPort, isShared: true, filter: filter)
        let open = try DatagramListener(at: .anyPort, isShared: true)
        #expect(try Self.receives(filtered, then: open, isTaken: isTaken) == isTaken)
    }

    @Test(arguments: [
        ("::1/128", true), ("::/0", true), ("::2/128", false), ("fd00::/8", false), ("127.0.0.0/8", false),
    ])
    func `a UDP socket of IPv6 gets what its filter takes`(block: String, isTaken: Bool) throws {
        let filter = try SocketFilter(admitting: try Self.ranges([block]), family: .ipv6)
        let local = SocketAddress(IPAddress(ipv6High: 0, low: 1), 0)
        let filtered = try DatagramListener(at: local, isShared: true, filter: filter)
        let open = try DatagramListener(at: local, isShared: true)
        #expect(try Self.receives(filtered, then: open, isTaken: isTaken) == isTaken)
    }

    @Test func `a socket that drops all gets nothing, and nobody is told`() throws {
        let filtered = try DatagramListener(at: .anyPort, isShared: true, filter: .dropsAll)
        let open = try DatagramListener(at: .anyPort, isShared: true)
        #expect(try Self.receives(filtered, then: open, isTaken: false) == false)
    }

    @Test(arguments: [("127.0.0.1/32", true), ("127.0.0.2/32", false), (nil, false)])
    func `a TCP listener hears those that its filter takes`(block: String?, isTaken: Bool) throws {
        let listener = try ListeningSocket(at: .anyPort, backlog: 8, isShared: true)
        let filter =
            try block.map { try SocketFilter(admitting: try Self.ranges([$0]), family: .ipv4) } ?? .dropsConnecting
        try filter.attach(to: listener.number)
        let open = try ListeningSocket(at: .anyPort, backlog: 8, isShared: true)
        var loop = try EventLoop()
        try loop.watchReading(listener.number, token: 1)
        try loop.watchReading(open.number, token: 2)
        var sockets: [StreamSocket] = []
        defer { for socket in sockets { socket.close() } }
        for target in [listener.address, open.address] {
            guard case .begun(let socket) = StreamSocket.connect(to: target) else { throw Wire.Failure.noConnection }
            sockets.append(socket)
        }
        let told = Self.told(&loop, until: isTaken ? [1, 2] : [2])
        #expect(told == (isTaken ? [1, 2] : [2]))
    }

    /// Who can be read from, once that is so of all of these; and a moment later, for others to come.
    private static func told(_ loop: inout EventLoop, until tokens: Set<UInt64>) -> Set<UInt64> {
        var told: Set<UInt64> = []
        for _ in 0..<100 where !told.isSuperset(of: tokens) {
            loop.wait(milliseconds: 100)
            told = Set(loop.told.keys)
        }
        if var pause = try? EventLoop() { pause.wait(milliseconds: 30) }
        loop.wait(milliseconds: 0)
        return Set(loop.told.keys)
    }

    /// Whether the first gets what it is sent; the second gets what it is sent.
    private static func receives(_ first: DatagramListener, then second: DatagramListener, isTaken: Bool) throws -> Bool
    {
        var batch = try DatagramBatch(capacity: 1, keepsPeers: false)
        var loop = try EventLoop()
        for (token, listener) in [(1, first), (2, second)] {
            try loop.watchReading(listener.number, token: UInt64(token))
            guard case .done(let socket) = DatagramSocket.connect(to: listener.address) else {
                throw Wire.Failure.noConnection
            }
            defer { socket.close() }
            batch.append([1, 2, 3].span)
            #expect(batch.send(0..<1, over: socket.number).error == 0)
            batch.clear()
        }
        let told = Self.told(&loop, until: isTaken ? [1, 2] : [2])
        #expect(told.contains(2))
        return told.contains(1)
    }

    // MARK: - Addresses

    /// Those at the edges of ranges, and of the space.
    private static func probes(_ ranges: [AddressRange], _ family: AddressFamily) -> [IPAddress] {
        let all = AddressRange.all(family)
        return ([all] + ranges).filter { $0.first.family == family }.flatMap { range in
            [
                range.first, range.last, range.first.predecessor, range.first.successor, range.last.predecessor,
                range.last.successor,
            ].compactMap(\.self)
        }
    }

    private static func address(_ family: AddressFamily, _ numbers: inout SystemRandomNumberGenerator) -> IPAddress {
        if family == .ipv4 { return IPAddress(ipv4: numbers.next()) }
        // Words that are often the same.
        func word() -> UInt64 { numbers.next() & 0x0000_0003_0000_0003 }
        return IPAddress(ipv6High: word(), low: Bool.random(using: &numbers) ? word() : numbers.next())
    }
}

/// What the kernel does with a classic BPF program, as far as these programs go (linux/filter.h), and some of what it checks.
private enum Interpreter {
    struct Invalid: Error { let instruction: Int }

    static func takes(_ filter: SocketFilter, _ source: IPAddress) throws -> Bool { try self.run(filter, source).taken }
    static func steps(_ filter: SocketFilter, _ source: IPAddress) throws -> Int { try self.run(filter, source).steps }

    private static func run(_ filter: SocketFilter, _ source: IPAddress) throws -> (taken: Bool, steps: Int) {
        let header: [UInt8] =
            source.family == .ipv4
            ? [UInt8](repeating: 0x45, count: 12) + source.bytes + [127, 0, 0, 1]
            : [UInt8](repeating: 0x60, count: 8) + source.bytes + [UInt8](repeating: 1, count: 16)
        var (counter, steps) = (0, 0)
        var accumulator: UInt32 = 0
        while true {
            guard filter.program.indices.contains(counter), steps <= filter.program.count else {
                throw Invalid(instruction: counter)
            }
            let instruction = filter.program[counter]
            steps += 1
            counter += 1
            func jump(_ condition: Bool) { counter += Int(condition ? instruction.jumpTrue : instruction.jumpFalse) }
            switch instruction.code {
            case 0x20:
                let offset = Int(Int32(bitPattern: instruction.operand)) + 0x10_0000
                guard offset >= 0, offset + 4 <= header.count else { throw Invalid(instruction: counter - 1) }
                accumulator = header[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
            case 0x05: counter += Int(instruction.operand)
            case 0x15: jump(accumulator == instruction.operand)
            case 0x25: jump(accumulator > instruction.operand)
            case 0x35: jump(accumulator >= instruction.operand)
            case 0x06: return (instruction.operand != 0, steps)
            default: throw Invalid(instruction: counter - 1)
            }
        }
    }
}
