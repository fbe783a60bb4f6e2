/// `fairlead-bench --http ...`.
enum HTTPOptions {
    static let usage = """
        usage: fairlead-bench --http --fairlead PROGRAM [--envoy PROGRAM] [--report FILE]
                              [--rounds N] [--seconds N] [--latency-rounds N] [--only a,b,...] [--without NAME,...]
                              [--profile]
          --rounds   of every measure, all proxies in turn (default 3)
          --seconds  of load in each (default 3)
          --latency-rounds  of every measure at a fixed load (default 90; a third of that by h2load)
          --only     a keep-alive, b fixed load, c TLS, d 1 MiB bodies, e idle connections, f 1,000 hosts,
                     g HTTP/2 and gRPC, h allocations, i changes of routes
          --without  fairlead, nginx, haproxy, envoy
          --profile  instead of measuring: where Fairlead spends its time, by perf, in the last of the measures
                     a, c, d, f and g that --only names; without it in a

        """

    private static let letters: Set<String> = ["a", "b", "c", "d", "e", "f", "g", "h", "i"]

    static func parse(_ arguments: some Sequence<String>) -> SideBySideOptions? {
        SideBySideOptions(arguments, letters: self.letters, proxies: Proxy.allCases)
    }

    /// The measure that a profile is of.
    static func profiled(_ options: SideBySideOptions) -> Saturation {
        if options.measures == self.letters { return .keepAlive }
        return Saturation.groups.joined().last { options.measures.contains($0.letter) } ?? .keepAlive
    }
}
