/// How endpoints are asked whether they are well, as users ask for it. Times are in milliseconds.
package struct HealthCheckPolicy: Hashable, Sendable {
    /// What is asked, and which answer is a good one.
    package enum Question: Hashable, Sendable {
        /// Whether a connection comes about.
        case tcp
        /// `GET path`: a status of 200 to 399, as for Kubernetes' probes.
        case http(path: String)
        /// `grpc.health.v1.Health/Check` for a service, or for the whole server if it is empty: `SERVING`.
        case grpc(service: String)

        /// As the annotation has it.
        package var name: String {
            switch self {
            case .tcp: "tcp"
            case .http: "http"
            case .grpc: "grpc"
            }
        }
    }

    package var question: Question
    /// Between the beginnings of two checks of one endpoint.
    package var interval: UInt32
    /// From the first packet to the last byte that decides.
    package var timeout: UInt32
    /// Good answers in a row that make an unhealthy endpoint healthy.
    package var rise: Int
    /// Failed checks in a row that make a healthy endpoint unhealthy.
    package var fall: Int

    package init(
        _ question: Question, interval: UInt32 = Self.defaultInterval, timeout: UInt32 = Self.defaultTimeout,
        rise: Int = Self.defaultRise, fall: Int = Self.defaultFall
    ) {
        self.question = question
        self.interval = interval
        self.timeout = timeout
        self.rise = rise
        self.fall = fall
    }

    package static let defaultInterval: UInt32 = 5_000
    package static let defaultTimeout: UInt32 = 1_000
    package static let defaultRise = 2
    package static let defaultFall = 3
    package static let defaultPath = "/"

    /// More often than ten times a second is a mistake.
    package static let intervals: ClosedRange<UInt32> = 100...86_400_000
    package static let counts = 1...100
    /// Bytes of a path, or of the name of a gRPC service.
    package static let longestText = 1_024
}
