import Glibc
import KernelDataplane
import Lab
import Nftables
import TestSupport
import Testing

/// Objects become exactly the rulesets of `rules/golden`, whichever way they get into the kernel.
@Suite(.serialized)
struct GoldenTests {
    /// Set by `rules/regenerate`: write what is expected instead of checking it.
    private static let isRegenerating = unsafe getenv("FAIRLEAD_REGENERATE") != nil

    @Test func thereAreCases() {
        #expect(GoldenCase.all.count >= 23)
    }

    /// What `fairlead render` prints.
    @Test(arguments: GoldenCase.all)
    func rendersAsExpected(golden: GoldenCase) throws {
        let text = try golden.ruleset().text()
        if Self.isRegenerating {
            try GoldenCase.write(text, to: golden.path("expected.nft"))
        }
        #expect(try GoldenCase.read(golden.path("expected.nft")) == text)
    }

    /// Loaded by `nft` from the text or programmed over netlink, the kernel lists the same.
    @Test(arguments: GoldenCase.all)
    func programsAsLoaded(golden: GoldenCase) throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        try sandbox.host.shell("nft -f \(golden.path("expected.nft"))")
        let loaded = try Self.list(sandbox)
        try sandbox.host.shell("nft flush ruleset")
        let kernel = try sandbox.host.run { try NetlinkKernel() }
        _ = try kernel.commit(try golden.ruleset().replacement())
        let programmed = try Self.list(sandbox)
        #expect(programmed == loaded)
        // What is listed loads again, to the same.
        let file = "/tmp/\(sandbox.host.name)-\(getpid())-\(golden.name).nft"
        try sandbox.host.shell("nft -s list ruleset > \(file); nft flush ruleset; nft -f \(file); rm \(file)")
        #expect(try Self.list(sandbox) == loaded)
    }

    @Test(arguments: GoldenCase.all)
    func packetsGoWhereTheyShould(golden: GoldenCase) throws {
        let tracer = PacketTracer(try golden.ruleset())
        let lines = try GoldenCase.read(golden.path("flows.txt")).split(separator: "\n")
        let flows = lines.filter { !$0.hasPrefix("#") }
        #expect(!flows.isEmpty)
        for line in flows {
            let flow = try #require(Flow(line), "cannot read '\(line)'")
            #expect(tracer.trace(flow.packet).text == flow.expected, "\(flow.words)")
        }
    }

    /// `rules/base.nft`, which people read, is the table that is programmed when there is no Service.
    @Test func theSkeletonIsWhatIsProgrammed() throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        try sandbox.host.shell("nft -f \(GoldenCase.rules)/base.nft")
        let loaded = try Self.list(sandbox)
        try sandbox.host.shell("nft flush ruleset")
        let kernel = try sandbox.host.run { try NetlinkKernel() }
        _ = try kernel.commit(TableProgram(node: NodeSettings(masqueradeAll: true)).ruleset().replacement())
        #expect(try Self.list(sandbox) == loaded)
    }

    /// The listing, with the elements of each set in order: the kernel hashes them.
    private static func list(_ sandbox: Sandbox) throws -> [String] {
        let listing = try sandbox.host.shell("nft -s list ruleset")
        var lines: [String] = []
        var elements: [String] = []
        for line in listing.split(separator: "\n") {
            let text = line.drop { $0 == " " || $0 == "\t" }
            if text.hasPrefix("elements = {") || !elements.isEmpty {
                let isLast = text.hasSuffix("}")
                let bare = text.replacing("elements = {", with: "").replacing("}", with: "")
                elements += bare.split(separator: ",").map { String($0.drop { $0 == " " }.trimmed) }.filter {
                    !$0.isEmpty
                }
                if isLast {
                    lines += elements.sorted()
                    elements = []
                }
            } else {
                lines.append(String(text))
            }
        }
        return lines
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
