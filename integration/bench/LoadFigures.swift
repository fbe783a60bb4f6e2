/// What a program that makes load says in the end; times in microseconds.
struct LoadFigures {
    /// Requests, or whatever else is measured.
    var count = 0
    /// 0 where the number of requests was given, not the time.
    var seconds = 0.0
    var p50 = 0.0
    var p99 = 0.0
    var p999 = 0.0
    /// Connections that failed, answers that were no 2xx or had not the whole body, requests without an answer, datagrams that
    /// were lost.
    var failures = 0

    var perSecond: Double { Double(self.count) / self.seconds }
}
