import Lab

/// `fairlead-bench --http ...`: what to measure, beside what.
struct HTTPOptions {
    static let usage = """
        usage: fairlead-bench --http --fairlead PROGRAM [--envoy PROGRAM] [--report FILE]
                              [--rounds N] [--seconds N] [--only a,b,...] [--without NAME,...] [--profile]
          --rounds   of every measure, all proxies in turn (default 3)
          --seconds  of load in each (default 3)
          --only     a keep-alive, b fixed load, c TLS, d 1 MiB bodies, e idle connections, f 1,000 hosts,
                     g HTTP/2 and gRPC, h allocations
          --without  fairlead, nginx, haproxy, envoy
          --profile  instead of measuring: where Fairlead spends its time, by perf, in the last of the measures
                     a, c, d, f and g that --only names; without it in a

        """

    var fairlead: String?
    var envoy = "envoy"
    var report: String?
    var rounds = 3
    var seconds = 3
    var measures = Self.allMeasures
    var without: Set<Proxy> = []
    var isProfile = false

    /// nil if they make no sense.
    init?(_ arguments: some Sequence<String>) {
        var arguments = Array(arguments)[...]
        while let argument = arguments.popFirst() {
            if argument == "--profile" {
                self.isProfile = true
                continue
            }
            guard let value = arguments.popFirst() else { return nil }
            switch argument {
            case "--fairlead": self.fairlead = value
            case "--envoy": self.envoy = value
            case "--report": self.report = value
            case "--rounds", "--seconds":
                guard let number = Int(value), (1...1000).contains(number) else { return nil }
                if argument == "--rounds" { self.rounds = number } else { self.seconds = number }
            case "--only":
                let letters = Set(value.split(separator: ",").map(String.init))
                guard letters.isSubset(of: self.measures), !letters.isEmpty else { return nil }
                self.measures = letters
            case "--without":
                let proxies = value.split(separator: ",").map { Proxy(rawValue: String($0)) }
                guard !proxies.contains(nil) else { return nil }
                self.without = Set(proxies.compactMap { $0 })
            default: return nil
            }
        }
    }

    private static let allMeasures: Set<String> = ["a", "b", "c", "d", "e", "f", "g", "h"]

    /// The measure that a profile is of.
    var profiled: Saturation {
        if self.measures == Self.allMeasures { return .keepAlive }
        return Saturation.groups.joined().last { self.measures.contains($0.letter) } ?? .keepAlive
    }

    var proxies: [Proxy] { Proxy.allCases.filter { !self.without.contains($0) } }
}
