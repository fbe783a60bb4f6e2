internal import Balancing
internal import HTTP1
internal import Reactor
internal import Routing

/// How far the answer to a request is.
enum AnswerPhase: UInt8, BitwiseCopyable {
    /// No endpoint is connected to yet.
    case connecting
    /// Its head, or a part of it, has not come. Nothing has gone to the client but interim responses.
    case awaited
    /// Its head is on its way to the client.
    case started
    /// It is one of our own.
    case local
}

/// One request and its answer. Trivial, so that beginning one costs the writing of these fields.
struct Exchange: BitwiseCopyable {
    // What is asked for.
    var method = RequestMethod.get
    /// Whether it is a call of gRPC, over HTTP/2.
    var isGRPC = false
    /// When its client waits no longer, by the loop's clock.
    var deadline = UInt64.max
    /// Whether the client speaks HTTP/1.1, and understands chunks.
    var isHTTP11 = true
    var upgrade = UpgradeKind.none
    /// The table of routes whose texts are still needed; -1 for none.
    var table: Int32 = -1
    /// How its route is treated.
    var settings = RouteSettings()

    // Where it goes.
    var backend = Handle.none
    var upstream = Handle.none
    /// The endpoint of the current try, counted as in flight there while ``isCounted``.
    var slot = EndpointSlot.none
    var isCounted = false
    var tried = TriedEndpoints()
    var tries: UInt8 = 0
    /// The next try is another one, if there is an endpoint for it.
    var isRetry = false
    /// The next try is not to take a connection from the pool.
    var avoidsPool = false
    /// A connection that had been used before was lost without an answer.
    var hasLostConnection = false
    /// What is spoken with the endpoint has no way to say it.
    var isUnsendable = false
    var failure = TryFailure.connectFailed
    /// Which endpoint the client belongs to, if it is to stay with one.
    var affinity = Affinity.none
    /// What the answer tells the client to come with in the future.
    var cookie: AffinityValue?
    /// When the first try began, by the loop's clock.
    var startedAt: UInt64 = 0

    // How far it is.
    var answer = AnswerPhase.connecting
    var status: UInt16 = 0
    /// Why, if the answer is our own.
    var local: LocalAnswer?
    /// Interim responses so far.
    var interims: UInt8 = 0
    /// How long the head is at the front of the client's `request` buffer.
    var headSize = 0
    /// How much of the client's `request` buffer has been sent in this try.
    var requestSent = 0
    /// All that went out of the request is here still.
    var isReplayable = true
    /// The client waits for `100 Continue`, or for the answer, before it sends the body.
    var awaitsInterim = false
    /// How often bytes went to the endpoint or came from it, and of which of those its time is counted from.
    var moved: UInt64 = 0
    var timedFrom = UInt64.max
    /// The endpoint takes no more of the request; it may have answered all the same.
    var stopsSending = false
    var requestBody = BodyRelay()
    var answerBody = BodyRelay()
    /// The connection upstream can be used again once the answer is complete.
    var keepsUpstream = false

    /// How a request chooses its endpoint.
    enum Affinity: BitwiseCopyable {
        case none
        /// By a key that was made of a header.
        case key(UInt64)
        /// By what the client's cookie says; nil for a client without one.
        case session(AffinityValue?)
    }
}
