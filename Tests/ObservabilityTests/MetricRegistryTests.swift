import Lab
import Linux
import Synchronization
import Testing

@testable import Observability

@Suite struct MetricRegistryTests {
    private enum Code: String, MetricLabels, CaseIterable {
        case ok = "200"
        case unavailable = "503"

        var metricLabels: [MetricLabel] { [MetricLabel("code", self.rawValue)] }
    }

    @Test func whatIsSampledIsLookedAtOnce() throws {
        let registry = MetricRegistry()
        let looks = Counter()
        registry.counters(["b_total": "B.", "a_total": "A."]) {
            looks.increment()
            return [
                [MetricSample([MetricLabel("of", "x")], 1), MetricSample([MetricLabel("of", "y")], 2.5)],
                [MetricSample([], Double(looks.value))],
            ]
        }
        registry.histogram("time_seconds", "Time.") {
            HistogramReading(bounds: [0.5, 1], counts: [3, 0, 4], sum: 9)
        }
        _ = registry.text()
        #expect(
            registry.text() == """
                # HELP a_total A.
                # TYPE a_total counter
                a_total 2
                # HELP b_total B.
                # TYPE b_total counter
                b_total{of="x"} 1
                b_total{of="y"} 2.5
                # HELP time_seconds Time.
                # TYPE time_seconds histogram
                time_seconds_bucket{le="0.5"} 3
                time_seconds_bucket{le="1"} 3
                time_seconds_bucket{le="+Inf"} 7
                time_seconds_sum 9
                time_seconds_count 7

                """)
    }

    @Test func theTextIsThatOfTheFormat() throws {
        let registry = MetricRegistry()
        let answers = registry.counter("answers_total", "Answers.", for: Code.allCases)
        let seconds = registry.histogram(
            "seconds", "How long.", HistogramBuckets([0.25, 1]), for: [Code.ok])
        let depth = registry.gauge("depth", "How deep.\nOr \"not\" \\.")
        registry.gauge("nothing", "Left out.") { nil }
        registry.information("information", "What it is.", [MetricLabel("text", "a\"b\\c\nd")])
        answers[.unavailable]?.increment()
        answers[.unavailable]?.increment(by: 2)
        depth.set(-1.5)
        for value in [0.25, 0.5, 1, 7] { seconds[.ok]?.observe(value) }
        #expect(seconds[.unavailable] == nil)
        let text = registry.text()
        #expect(
            text == #"""
                # HELP answers_total Answers.
                # TYPE answers_total counter
                answers_total{code="200"} 0
                answers_total{code="503"} 3
                # HELP depth How deep.\nOr "not" \\.
                # TYPE depth gauge
                depth -1.5
                # HELP information What it is.
                # TYPE information gauge
                information{text="a\"b\\c\nd"} 1
                # HELP nothing Left out.
                # TYPE nothing gauge
                # HELP seconds How long.
                # TYPE seconds histogram
                seconds_bucket{code="200",le="0.25"} 1
                seconds_bucket{code="200",le="1"} 3
                seconds_bucket{code="200",le="+Inf"} 4
                seconds_sum{code="200"} 8.75
                seconds_count{code="200"} 4

                """#)
        let parsed = try PrometheusText(text)
        #expect(parsed["answers_total", ["code": "503"]] == 3)
        #expect(parsed["information", ["text": "a\"b\\c\nd"]] == 1)
        #expect(parsed["seconds_count", ["code": "200"]] == 4)
        #expect(parsed["depth", [:]] == -1.5)
    }

    @Test(arguments: [
        (0.0, "0"), (-0.0, "0"), (1795229139.25, "1795229139.25"), (0.001, "0.001"), (16.384, "16.384"),
        (1e-7, "1e-07"), (123_456_789_012, "123456789012"), (1e300, "1e+300"), (.infinity, "+Inf"),
        (-.infinity, "-Inf"), (.nan, "NaN"),
    ])
    func numbersAreThoseOfGo(value: Double, text: String) {
        #expect(MetricText.number(value) == text)
    }

    @Test func bucketsAreThoseOfPrometheus() {
        let doubling = HistogramBuckets.exponential(start: 0.001, factor: 2, count: 4)
        #expect(doubling.bounds == [0.001, 0.002, 0.004, 0.008])
        let steps = HistogramBuckets.linear(start: 60, width: 5, count: 3)
        #expect((HistogramBuckets([1]) + steps).bounds == [1, 60, 65, 70])
    }

    @Test func durationsAreObservedInSeconds() {
        let histogram = Histogram(HistogramBuckets([0.001, 0.002]))
        histogram.observe(.microseconds(1500))
        histogram.observe(.seconds(3))
        #expect(histogram.snapshot == HistogramReading(bounds: [0.001, 0.002], counts: [0, 1, 1], sum: 3.0015))
        #expect(histogram.count == 2)
    }

    @Test func countersGoUpOnly() {
        let counter = Counter()
        counter.increment(by: 3)
        counter.increment(by: 0)
        counter.increment(by: -2)
        #expect(counter.value == 3)
    }

    @Test func recordingFromManyThreadsLosesNothing() throws {
        let registry = MetricRegistry()
        let counter = registry.counter("events_total", "Events.")
        let histogram = registry.histogram("seconds", "Seconds.", HistogramBuckets([1]), for: [Code.ok])
        let threads = try (0..<4).map { _ in
            try OSThread {
                for _ in 0..<10_000 {
                    counter.increment()
                    histogram[.ok]?.observe(0.5)
                }
            }
        }
        // Reading meanwhile sees something that adds up.
        for _ in 0..<20 { _ = try PrometheusText(registry.text()) }
        for thread in threads { thread.join() }
        #expect(counter.value == 40_000)
        #expect(histogram[.ok]?.count == 40_000)
    }

    @Test func theProcessIsMeasured() throws {
        let registry = MetricRegistry()
        registry.registerProcess()
        let text = try PrometheusText(registry.text())
        #expect(try #require(text["process_resident_memory_bytes", [:]]) > 1_048_576)
        #expect(try #require(text["process_virtual_memory_bytes", [:]]) > 1_048_576)
        #expect(try #require(text["process_cpu_seconds_total", [:]]) >= 0)
        #expect(try #require(text["process_open_fds", [:]]) >= 3)
        #expect(try #require(text["process_max_fds", [:]]) >= 3)
        let start = try #require(text["process_start_time_seconds", [:]])
        // The host's clock may have been set since it started, in a virtual machine for one.
        #expect(start > 1_000_000_000)
    }

    @Test(arguments: [
        "a 1", "a{b=\"c\"} 1\n", "# TYPE a counter\na 1\n", "# HELP a b\n# TYPE a counter\nb 1\n",
        "# HELP a b\n# TYPE a counter\na 1\na 1\n", "# HELP a b\n# TYPE a counter\na{b=\"\\x\"} 1\n",
        "# HELP a b\n# TYPE a counter\na{b=\"c\"}1\n", "# HELP a b\n# TYPE a counter\na x\n",
        "# HELP a b\n# TYPE a counter\na -1\n", "# HELP a b\n# TYPE a histogram\na_bucket{le=\"1\"} 1\n",
        "# HELP a b\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 2\n",
        "# HELP a b\n# TYPE a counter\na 1\n# HELP a b\n# TYPE a counter\na 2\n",
    ])
    func theParserOfTheseTestsIsStrict(text: String) {
        #expect(throws: LabError.self) { try PrometheusText(text) }
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00Z"), (5, "1970-01-01T00:00:00.000000005Z"), (120_000_000, "1970-01-01T00:00:00.12Z"),
        (999_999_999, "1970-01-01T00:00:00.999999999Z"), (100, "1970-01-01T00:00:00.0000001Z"),
    ])
    func timesHaveAsManyDigitsAsCount(nanoseconds: Int64, text: String) {
        #expect(UTCTime.text(WallTime(seconds: 0, nanoseconds: nanoseconds)) == text)
    }
}
