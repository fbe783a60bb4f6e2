import Bytes
import LineSupport

@testable import HTTPProxy

/// Drives a ``BodyRelay`` from one connection to another as a worker does, with connections that give and take as the
/// test says.
struct BodyCourse {
    /// Bytes that come at once, one after the other; the last number again and again.
    var arrivals = [Int.max]
    /// Bytes that can be sent at once, by turns.
    var departures = [Int.max]
    var sourceCapacity = 16_384
    var stagedCapacity = 20_480
    /// Staged bytes stay until there is no room behind them, as a request's do that may have to be sent again.
    var keepsStaged = false
    /// The source's connection is closed behind the last byte.
    var closes = false

    enum End: Equatable {
        case complete
        case malformed
        case tooLong
        /// The source has no more, and it is not complete.
        case unfinished
        /// It goes neither on nor to an end, although nothing is in its way.
        case stuck
        /// The source was closed before the end.
        case cut
    }

    struct Outcome {
        var end = End.stuck
        var sent: [UInt8] = []
        /// What was not taken of the source.
        var left: [UInt8] = []
        var transferred: UInt64 = 0
        /// Bytes that were sent from where they had been read to.
        var direct = 0
    }

    func run(_ start: BodyRelay, _ input: [UInt8]) -> Outcome {
        var relay = start
        var outcome = Outcome()
        var source = ByteBuffer(capacity: self.sourceCapacity)
        var staged = ByteBuffer(capacity: self.stagedCapacity)
        /// Of what is staged.
        var sent = 0
        var offset = 0
        var turn = 0
        var idle = 0
        while idle < 4 {
            idle += 1
            let before = (offset, source.count, outcome.sent.count)
            if self.keepsStaged {
                if sent == staged.count, staged.space < BodyRelay.stepRoom {
                    staged.clear()
                    sent = 0
                }
            }
            switch relay.stage(from: &source, into: &staged) {
            case .staged: break
            case .malformed:
                outcome.end = .malformed
                return outcome
            case .tooLong:
                outcome.end = .tooLong
                return outcome
            }
            outcome.transferred = relay.transferred
            // What has come may not fit behind what is kept.
            if self.keepsStaged, sent == staged.count, relay.direct == 0, !source.isEmpty, !staged.isEmpty {
                staged.clear()
                sent = 0
                continue
            }
            // Out.
            var room = self.departures[turn % self.departures.count]
            let ofStaged = min(room, staged.count - sent)
            outcome.sent += staged.bytes(sent..<sent + ofStaged)
            if self.keepsStaged { sent += ofStaged } else { staged.consume(ofStaged) }
            room -= ofStaged
            if relay.direct > 0, self.keepsStaged ? sent == staged.count : staged.isEmpty {
                let count = min(room, relay.direct)
                outcome.sent += source.bytes(0..<count)
                outcome.direct += count
                source.consume(count)
                relay.sent(count)
            }
            let isFlushed = relay.direct == 0 && (self.keepsStaged ? sent == staged.count : staged.isEmpty)
            if relay.isDone, isFlushed {
                outcome.end = .complete
                outcome.left = source.bytes + input[offset...]
                return outcome
            }
            // In. As a worker does, when all that is staged is out.
            if isFlushed {
                if source.space == 0 { source.compact() }
                let arriving = min(
                    self.arrivals[min(turn, self.arrivals.count - 1)], source.space, input.count - offset)
                source.append(bytes: input[offset..<offset + arriving])
                offset += arriving
                if arriving == 0, offset == input.count {
                    if self.closes, source.isEmpty {
                        if !relay.sourceClosed(into: &staged) {
                            outcome.end = .cut
                            return outcome
                        }
                        continue
                    }
                    outcome.end = .unfinished
                }
            }
            turn += 1
            if before != (offset, source.count, outcome.sent.count) {
                idle = 0
                outcome.end = .stuck
            }
        }
        return outcome
    }
}
