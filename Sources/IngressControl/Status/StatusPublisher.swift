internal import KubernetesAPI
package import KubernetesClient
internal import KubernetesWire
package import Logging
internal import ServiceLifecycle
internal import Synchronization

/// Writes where Ingresses are reached into their status, while this replica leads (S1 to S3). Where there is no API
/// server it only knows it.
package final class StatusPublisher: ServiceLifecycle.Service, Sendable {
    package struct Timing: Hashable, Sendable {
        /// After this long everything is looked at again.
        package var resync = Duration.seconds(60)
        /// News that come one after the other are waited for this long.
        package var settling = Duration.milliseconds(100)
        /// What is taken out of statuses at the end has this long.
        package var farewell = Duration.seconds(5)

        package init() {}
    }

    /// Requests at the same time.
    private static let concurrency = 8

    private struct Inbox {
        var news: IngressNews?
        var leads = false
        var isResyncDue = true
        var addresses: [PublishedAddress]?
    }

    private let writer: StatusWriter?
    private let resolver: AddressResolver
    private let clearsAtEnd: Bool
    private let timing: Timing
    private let logger: Logger
    private let inbox = Mutex(Inbox())
    private let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - writer: nil where statuses are not written.
    ///   - clearsAtEnd: whether the last replica takes its addresses with it.
    package init(
        _ writer: StatusWriter?,
        resolver: AddressResolver,
        clearsAtEnd: Bool = true,
        timing: Timing = Timing(),
        logger: Logger
    ) {
        self.writer = writer
        self.resolver = resolver
        self.clearsAtEnd = clearsAtEnd
        self.timing = timing
        self.logger = logger
        (self.signals, self.signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        if case .fixed(let addresses) = resolver.source {
            self.inbox.withLock { $0.addresses = PublishedAddresses.sorted(addresses) }
        }
    }

    // MARK: - What it is told

    /// Any thread may call this; it does not wait.
    package func take(_ news: IngressNews) {
        self.inbox.withLock { inbox in
            var news = news
            // What nobody has looked at yet is still to be done.
            if let former = inbox.news { news.released = former.released + news.released }
            inbox.news = news
        }
        self.signal.yield()
    }

    /// This replica leads now, or no longer does.
    package func lead(_ leads: Bool) {
        self.inbox.withLock { inbox in
            inbox.leads = leads
            inbox.isResyncDue = true
        }
        self.signal.yield()
    }

    /// Where Ingresses are reached; nil while that is not known.
    package var addresses: [PublishedAddress]? { self.inbox.withLock { $0.addresses } }

    package var leads: Bool { self.inbox.withLock { $0.leads } }

    // MARK: - Work

    /// Until graceful shutdown or cancellation.
    package func run() async throws {
        var work = Work()
        await withTaskGroup { group in
            group.addTask { await cancelWhenGracefulShutdown { await self.tick() } }
            for await _ in self.signals.cancelOnGracefulShutdown() {
                // Cut short by cancellation alone, which ends the loop.
                try? await Task.sleep(for: self.timing.settling)
                await self.step(&work)
            }
            group.cancelAll()
        }
        await self.sayFarewell(work.plan)
    }

    private struct Work {
        var plan = StatusPlan()
        /// Whether there has been a plan at all.
        var hasNews = false
        var service: KubernetesAPI.Service?
        var trouble: String?
        var failure: String?
    }

    private func tick() async {
        while true {
            do { try await Task.sleep(for: self.timing.resync) } catch { return }
            self.inbox.withLock { $0.isResyncDue = true }
            self.signal.yield()
        }
    }

    private func step(_ work: inout Work) async {
        let (news, leads, isResync) = self.inbox.withLock { inbox in
            defer { (inbox.news, inbox.isResyncDue) = (nil, false) }
            return (inbox.news, inbox.leads, inbox.isResyncDue)
        }
        if let news {
            work.plan.take(news)
            work.service = news.service
        }
        // Nothing is known before there are news: a Service that is not there yet is not missing.
        if work.hasNews || news != nil {
            work.hasNews = true
            if isResync || news.map({ _ in self.dependsOnNews }) ?? false || work.plan.addresses == nil {
                work.plan.take(await self.resolver.resolve(service: work.service, &work.trouble))
                let addresses = work.plan.addresses
                self.inbox.withLock { $0.addresses = addresses }
            }
        }
        guard leads, let writer = self.writer else { return }
        await self.perform(work.plan.due(isResync: isResync), writer, &work)
    }

    private var dependsOnNews: Bool { if case .service = self.resolver.source { true } else { false } }

    private func perform(_ actions: [StatusPlan.Action], _ writer: StatusWriter, _ work: inout Work) async {
        guard !actions.isEmpty else { return }
        var written = 0
        var failure: APIError?
        for start in stride(from: 0, to: actions.count, by: Self.concurrency) {
            let results = await Self.perform(actions[start..<min(actions.count, start + Self.concurrency)], writer)
            for result in results {
                switch result {
                case .success(let (action, outcome)):
                    work.plan.done(action)
                    if outcome == .written { written += 1 }
                case .failure(let error): failure = error
                }
            }
            // Who is forbidden one is forbidden all; the rest is for the next round.
            if failure?.status?.isForbidden == true { break }
        }
        if written > 0 {
            let addresses = (work.plan.addresses ?? []).map(\.text).joined(separator: ", ")
            self.logger.info(
                "wrote where Ingresses are reached", metadata: ["ingresses": "\(written)", "addresses": "\(addresses)"])
        }
        self.tell(failure, &work)
    }

    /// All of them at once.
    private static func perform(
        _ actions: ArraySlice<StatusPlan.Action>, _ writer: StatusWriter
    ) async -> [Result<(StatusPlan.Action, StatusWriter.Outcome), APIError>] {
        await withTaskGroup(of: Result<(StatusPlan.Action, StatusWriter.Outcome), APIError>.self) { group in
            for action in actions {
                group.addTask {
                    do throws(APIError) {
                        return .success((action, try await writer.perform(action)))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    /// Says what is wrong once for each reason.
    private func tell(_ failure: APIError?, _ work: inout Work) {
        let reason = failure.map { "\($0.code) \($0.status?.code ?? 0)" }
        defer { work.failure = reason }
        guard let failure, failure.code != .cancelled, reason != work.failure else { return }
        var metadata: Logger.Metadata = ["reason": "\(failure)"]
        if failure.status?.isForbidden == true { metadata["missing"] = "\(StatusWriter.neededRules(.ingress))" }
        self.logger.warning("the status of Ingresses cannot be written", metadata: metadata)
    }

    // MARK: - The end

    /// Takes our addresses out of all statuses if nobody goes on serving.
    private func sayFarewell(_ plan: StatusPlan) async {
        guard self.clearsAtEnd, self.leads, let writer = self.writer, !plan.farewell.isEmpty else { return }
        // This task may be cancelled by now, and it is to be done all the same; but not for ever.
        let work = Task { () async -> String? in
            do throws(APIError) {
                guard try await self.resolver.isLastReplica() else { return nil }
                for action in plan.farewell { _ = try await writer.perform(action) }
                return nil
            } catch {
                return "\(error)"
            }
        }
        let limit = Task {
            try await Task.sleep(for: self.timing.farewell)
            work.cancel()
        }
        if let reason = await work.value {
            self.logger.warning(
                "the status of Ingresses still names this instance's addresses", metadata: ["reason": "\(reason)"])
        }
        limit.cancel()
    }
}

extension StatusWriter {
    fileprivate func perform(_ action: StatusPlan.Action) async throws(APIError) -> Outcome {
        switch action {
        case .publish(let addresses, let name): try await self.publish(addresses, to: .ingress, name)
        case .withdraw(let addresses, let name): try await self.withdraw(addresses, from: .ingress, name)
        }
    }
}
