/// What becomes of a request, and why.
package struct RequestTrace: Codable, Hashable, Sendable {
    package enum Verdict: String, Codable, Hashable, Sendable {
        /// It goes to one of the candidates that have a share.
        case forwarded
        /// The client is sent elsewhere.
        case redirected
        /// Nobody is asked: the answer is made here.
        case answered
    }

    /// A decision on the way.
    package struct Step: Codable, Hashable, Sendable {
        package enum Subject: String, Codable, Hashable, Sendable {
            case request
            case certificate
            case client
            case host
            case path
            case backend
            case balancing
            case retries
            /// Something that an object asks for and does not get.
            case problem
        }

        package let subject: Subject
        package let text: String
    }

    /// An endpoint that the backend's Service has for its port.
    package struct Candidate: Codable, Hashable, Sendable {
        /// `10.244.1.5:8080`
        package let address: String
        package let node: String?
        package let zone: String?
        /// Of those that it could go to, how much this one counts; nil: it does not get any.
        package let weight: Int?
        /// Why it gets some, or none.
        package let reason: String
        /// What a connection from this host to it came to; nil: none was made.
        package var probe: String?
    }

    /// `shop/web`; nil where no Ingress decides.
    package var ingress: String?
    /// `shop/web:http`
    package var backend: String?
    package var steps: [Step] = []
    package var candidates: [Candidate] = []
    package var verdict = Verdict.answered
    /// Of the answer that is made here; nil if it is forwarded.
    package var status: Int?
    /// In a sentence.
    package var reason = ""

    mutating func say(_ subject: Step.Subject, _ text: String) {
        self.steps.append(Step(subject: subject, text: text))
    }

    mutating func answer(_ status: UInt16, _ reason: String) {
        self.verdict = status == 308 ? .redirected : .answered
        self.status = Int(status)
        self.reason = reason
    }
}
