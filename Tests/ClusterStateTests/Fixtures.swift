import ClusterState
import KubernetesAPI
import Linux
import Logging
import Synchronization

enum Fixtures {
    static func key(_ name: String) -> ObjectKey {
        ObjectKey(kind: .service, name: ObjectName(namespace: "default", name: name))
    }

    static func service(_ name: String, port: UInt16 = 80) -> KubernetesObject {
        .service(
            Service(
                metadata: ObjectMeta(name: ObjectName(namespace: "default", name: name)),
                ports: [ServicePort(port: port)]
            )
        )
    }

    static func content(_ objects: KubernetesObject...) -> ManifestFileContent {
        ManifestFileContent(objects: objects.enumerated().map { ($1, $0 * 10 + 1) })
    }

    /// The manifest of `service(name, port:)`.
    static func manifest(_ name: String, port: Int = 80) -> String {
        "apiVersion: v1\nkind: Service\nmetadata: {name: \(name)}\nspec: {ports: [{port: \(port)}]}\n---\n"
    }
}

/// Keeps what is logged.
final class LogRecorder: LogHandler {
    private let lines: LineStore

    init(_ lines: LineStore) {
        self.lines = lines
    }

    final class LineStore: Sendable {
        private let lines = Mutex<[String]>([])

        func append(_ line: String) { self.lines.withLock { $0.append(line) } }
        var all: [String] { self.lines.withLock { $0 } }
    }

    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        let metadata = event.metadata ?? [:]
        let parts = metadata.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        self.lines.append("\(event.level): \(event.message) \(parts.joined(separator: " "))")
    }
}
