/// What was wrong with one place of one manifest.
package struct ManifestProblem: Error, Sendable, Hashable {
    /// How much it matters: a note changes nothing, a warning is delivered anyway, an error is left out.
    package enum Severity: String, Sendable, Hashable, Comparable, CaseIterable {
        case note
        case warning
        case error

        package static func < (left: Self, right: Self) -> Bool {
            left.rank < right.rank
        }

        private var rank: Int {
            switch self {
            case .note: 0
            case .warning: 1
            case .error: 2
            }
        }
    }

    package let file: String
    /// From 1.
    package let line: Int
    /// The object it is about, as `Service default/web`; nil if it is about the file.
    package let object: String?
    package let reason: String
    package let severity: Severity

    package init(file: String, line: Int, object: String? = nil, reason: String, severity: Severity = .error) {
        self.file = file
        self.line = line
        self.object = object
        self.reason = reason
        self.severity = severity
    }
}

extension ManifestProblem: CustomStringConvertible {
    /// `file:line: Service default/web: reason`.
    package var description: String {
        if let object = self.object { return "\(self.file):\(self.line): \(object): \(self.reason)" }
        return "\(self.file):\(self.line): \(self.reason)"
    }
}

/// What one file holds.
package struct ManifestFileContent: Sendable {
    /// The good objects in the order of the file, with the line each begins at. No key twice.
    package var objects: [(object: KubernetesObject, line: Int)]
    package var problems: [ManifestProblem]
    /// The file could not be read as a whole, so ``objects`` is empty and the file's last good
    /// content should stay.
    package var isBroken: Bool

    package init(
        objects: [(object: KubernetesObject, line: Int)] = [],
        problems: [ManifestProblem] = [],
        isBroken: Bool = false
    ) {
        self.objects = objects
        self.problems = problems
        self.isBroken = isBroken
    }
}
