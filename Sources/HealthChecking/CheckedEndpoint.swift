internal import Linux
internal import Reactor

/// One endpoint of one backend, and where its checks are. Belongs to the thread of the checks.
final class CheckedEndpoint {
    /// Never used twice: of timers and events.
    let id: UInt64
    /// Of its backend.
    let key: Int
    let address: SocketAddress
    /// When the next check is due; while there is one, when its time is over.
    let timer: Int32
    var state = HealthState.initial
    /// When it last became usable, or was found not to be; nil: it never changed.
    var turnedAt: WallTime?
    /// What was last found wrong with it, however long ago.
    var lastFailure: ProbeFailure?
    var activity = Activity.resting
    /// When the last check began.
    var startedAt: UInt64 = 0

    enum Activity {
        /// Until the timer fires.
        case resting
        /// A check is due, and as many as may be are under way.
        case queued
        case asking(Probe)
        /// It is decided; the connection is on its way out.
        case leaving(Probe)
    }

    init(id: UInt64, key: Int, address: SocketAddress, timer: Int32) {
        self.id = id
        self.key = key
        self.address = address
        self.timer = timer
    }

    var probe: Probe? {
        switch self.activity {
        case .resting, .queued: nil
        case .asking(let probe), .leaving(let probe): probe
        }
    }
}
