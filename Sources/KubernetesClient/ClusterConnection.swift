package import ClusterState
package import KubernetesAPI
package import KubernetesWire
package import Logging
internal import ServiceLifecycle

/// All that goes between this process and the API server: objects in, events out.
package final class ClusterConnection: ServiceLifecycle.Service, Sendable {
    package let client: APIClient
    package let events: EventRecorder
    private let source: APIServerSource

    /// - Parameters:
    ///   - selections: what is followed.
    ///   - needed: the kinds without which nothing may be programmed.
    ///   - controller: who writes events, as `fairlead.dev/node`.
    ///   - instance: which of them: the node's name.
    package init(
        _ configuration: ClientConfiguration,
        selections: [ObjectSelection],
        needed: Set<ObjectKind>,
        controller: String,
        instance: String,
        format: WireFormat,
        queue: ChangeQueue,
        logger: Logger
    ) {
        self.client = APIClient(configuration, logger: logger)
        self.events = EventRecorder(
            self.client, controller: controller, instance: instance, format: format, logger: logger)
        self.source = APIServerSource(
            self.client, selections: selections, needed: needed, format: format, queue: queue, logger: logger)
    }

    /// Until graceful shutdown or cancellation.
    ///
    /// - Throws: ``ClientConfigurationError`` at once, if it cannot work whatever the server says.
    package func run() async throws {
        let failure: (any Error)?
        do {
            try await self.client.validate()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.source.run() }
                group.addTask { try await self.events.run() }
                try await group.waitForAll()
            }
            failure = nil
        } catch {
            failure = error
        }
        await self.client.shutdown()
        if let failure { throw failure }
    }
}
