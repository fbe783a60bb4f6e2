/// What a program that makes load says in the end; times in microseconds.
struct LoadFigures {
    var requests = 0
    /// 0 where the number of requests was given, not the time.
    var seconds = 0.0
    var p50 = 0.0
    var p99 = 0.0
    var p999 = 0.0
    /// Connections that failed, answers that were no 2xx or had not the whole body, requests without an answer.
    var failures = 0

    var requestsPerSecond: Double { Double(self.requests) / self.seconds }
}
