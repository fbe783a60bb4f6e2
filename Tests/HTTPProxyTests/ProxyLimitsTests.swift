import Balancing
import HTTP2
import Testing

@testable import HTTPProxy

@Suite struct ProxyLimitsTests {
    @Test func `every limit is in the table, once, with a default that is allowed`() {
        // As many values as there are in the struct, and no two flags alike.
        #expect(ProxyLimit.all.count * MemoryLayout<Int>.size == MemoryLayout<ProxyLimits>.size)
        #expect(Set(ProxyLimit.all.map(\.path)).count == ProxyLimit.all.count)
        #expect(Set(ProxyLimit.all.map(\.flag)).count == ProxyLimit.all.count)
        let names = Mirror(reflecting: ProxyLimits()).children.compactMap(\.label)
        #expect(names.sorted() == ProxyLimit.all.map(\.name).sorted())
        for limit in ProxyLimit.all {
            let value = ProxyLimits()[keyPath: limit.path]
            #expect(limit.range.contains(value) || limit.hasOff && value == 0, "\(limit.name)")
            #expect(limit.unit.value(limit.defaultText) == (value == 0 ? 0 : value), "\(limit.name)")
            // The name is that of the property.
            var changed = ProxyLimits()
            changed[keyPath: limit.path] = -7
            let children = Mirror(reflecting: changed).children.filter { $0.value as? Int == -7 }
            #expect(children.map(\.label) == [limit.name])
        }
        #expect(ProxyLimits().problems == [])
    }

    @Test func `what balancing has of its own is the same`() {
        #expect(ProxyLimits().outliers == OutlierPolicy())
        #expect(ProxyLimits().retries == RetryPolicy())
        #expect(ProxyLimits().retryBudgetPolicy == RetryBudget.Policy())
        // Each of them counts.
        for limit in ProxyLimit.all where limit.name.hasPrefix("outlier") {
            var limits = ProxyLimits()
            limits[keyPath: limit.path] += 1
            #expect(limits.outliers != OutlierPolicy(), "\(limit.name)")
        }
        for name in ["maximumTries", "retryTimeout", "retryBudget", "retryBudgetMinimum"] {
            var limits = ProxyLimits()
            for limit in ProxyLimit.all where limit.name == name { limits[keyPath: limit.path] += 1 }
            #expect(limits.retries != RetryPolicy() || limits.retryBudgetPolicy != RetryBudget.Policy(), "\(name)")
        }
        #expect(ProxyLimit.all.first { $0.name == "maximumTries" }?.range.upperBound == TriedEndpoints.capacity + 1)
    }

    @Test func `what HTTP/2 has of its own is the same, and each of them counts`() throws {
        let (limits, own) = (ProxyLimits(), HTTP2Limits())
        for path: KeyPath<HTTP2Limits, HTTP2Rate> in [
            \.settings, \.pings, \.emptyFrames, \.priorities, \.windowUpdates, \.unknownFrames, \.resets,
            \.streamErrors,
        ] {
            #expect(limits.http2[keyPath: path] == own[keyPath: path])
        }
        #expect(limits.http2.unreadReplies == own.unreadReplies && limits.http2.continuations == own.continuations)
        #expect(limits.http2.headBlockSize == own.headBlockSize)
        #expect(limits.http2Upstream.connectionWindow == 100 * limits.http2StreamWindow)
        // The worker itself keeps that time.
        for limit in ProxyLimit.all where limit.name.hasPrefix("http2") && limit.name != "http2SettingsTimeout" {
            var changed = limits
            #expect(limit.set("\(limit.range.upperBound)", in: &changed) == nil)
            #expect(changed.http2 != limits.http2 || changed.http2Upstream != limits.http2Upstream, "\(limit.name)")
            // Whatever is allowed is allowed by HTTP/2 too.
            #expect(changed.http2Upstream.connectionWindow < 1 << 31, "\(limit.name)")
        }
    }

    @Test(arguments: [
        (ProxyLimit.Unit.time, "15s", 15_000), (.time, "15", 15_000), (.time, "500ms", 500),
        (.time, "1h30m", 5_400_000),
        (.time, "1m5s", 65_000), (.time, "0", 0), (.time, "0s", 0), (.size, "16k", 16_384), (.size, "8M", 8_388_608),
        (.size, "256", 256), (.size, "1g", 1_073_741_824), (.count, "100", 100), (.percent, "20", 20),
        (.rate, "64", 64),
    ])
    func `what is read`(unit: ProxyLimit.Unit, text: String, value: Int) { #expect(unit.value(text) == value) }

    @Test(arguments: [
        (ProxyLimit.Unit.time, ""), (.time, "s"), (.time, "-5s"), (.time, "1.5s"), (.time, "5x"), (.time, "5s5"),
        (.time, "5 s"), (.time, "1k"), (.time, "99999999999999999999"), (.time, "9223372036854775807h"),
        (.size, "16kb"),
        (.size, "1k1"), (.size, "1m1k"), (.size, "k"), (.size, "15s"), (.count, "1k"), (.percent, "20%"), (.count, "١"),
        (.rate, "+1"),
    ])
    func `what is not`(unit: ProxyLimit.Unit, text: String) { #expect(unit.value(text) == nil) }

    @Test(arguments: [
        (ProxyLimit.Unit.time, 60_000, "60s"), (.time, 300_000, "300s"), (.time, 900_000, "15m"),
        (.time, 3_600_000, "1h"),
        (.time, 1_500, "1500ms"), (.time, 75_000, "75s"), (.size, 16_384, "16k"), (.size, 1_048_576, "1m"),
        (.size, 1_000, "1000"), (.count, 0, "0"), (.time, 0, "0"),
    ])
    func `how it is told`(unit: ProxyLimit.Unit, value: Int, text: String) {
        #expect(unit.text(value) == text)
        #expect(unit.value(text) == value)
    }

    private static func limit(_ flag: String) throws -> ProxyLimit {
        try #require(ProxyLimit.all.first { $0.flag == flag })
    }

    @Test(arguments: [
        ("max-head-size", "32k", nil),
        ("max-head-size", "2m", "must be 1k to 1m, not 2m"),
        ("max-head-size", "0", "must be 1k to 1m, not 0"),
        ("proxy-body-size", "0", nil),
        ("proxy-body-size", "x", "must be a number of bytes such as 8192, 16k or 1m, or 0 for no limit, not \"x\""),
        ("keep-alive", "25h", "must be 1ms to 24h, not 25h"),
        ("keep-alive-requests", "1k", "must be a number, not \"1k\""),
    ])
    func `a value is set or refused`(flag: String, text: String, problem: String?) throws {
        let limit = try Self.limit(flag)
        var limits = ProxyLimits()
        limits[keyPath: limit.path] = -1
        #expect(limit.set(text, in: &limits) == problem)
        #expect(limits[keyPath: limit.path] == (problem == nil ? limit.unit.value(text) : -1))
    }

    @Test func `what does not fit together is told`() {
        var limits = ProxyLimits()
        limits.headSize = 32_768
        #expect(limits.problems == ["--max-head-size 32k is more than --buffer-size 16k"])
        limits.bufferSize = 32_768
        #expect(limits.problems == [])
        limits.startLineSize = 40_000
        limits.outlierEjectionTime = 600_000
        #expect(
            limits.problems == [
                "--max-start-line-size 40000 is more than --max-head-size 32k",
                "--outlier-ejection-time 600s is more than --outlier-max-ejection-time 300s",
            ])
    }

    @Test(arguments: [
        (1_048_576, 2, 16_384, false), (65_536, 1, 16_384, false), (65_536, 2, 16_320, true), (1024, 2, 192, true),
        (1024, 64, 6, true), (10, 64, 1, true),
    ])
    func `connections fit the descriptors`(descriptors: Int, workers: Int, connections: Int, isLowered: Bool) {
        var limits = ProxyLimits()
        #expect(limits.fit(descriptors: descriptors, workers: workers) == isLowered)
        #expect(limits.maximumConnections == connections)
    }
}
