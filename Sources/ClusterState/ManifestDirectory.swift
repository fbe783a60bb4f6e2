package import KubernetesAPI

/// Which objects a directory of manifests holds. What was read goes in, what changed comes out. Pure:
/// knows neither files nor clocks.
///
/// An object that several files define is that of the file whose name sorts first; the next one takes
/// over when it goes.
package struct ManifestDirectory: Sendable {
    /// What an event changed, and what is to be told about it.
    package struct Outcome: Sendable, Equatable {
        package var changes: [ObjectChange] = []
        package var problems: [ManifestProblem] = []

        package init(changes: [ObjectChange] = [], problems: [ManifestProblem] = []) {
            self.changes = changes
            self.problems = problems
        }
    }

    private struct Definition {
        let object: KubernetesObject
        let line: Int
    }

    private var files: [String: [ObjectKey: Definition]] = [:]
    /// The files that define an object, sorted: the first one wins. Never empty.
    private var holders: [ObjectKey: [String]] = [:]

    package init() {}

    /// The names of the files whose objects are known.
    package var fileNames: Set<String> { Set(self.files.keys) }

    /// A file was read. A broken one keeps its last good content.
    package mutating func read(_ content: ManifestFileContent, of file: String) -> Outcome {
        guard !content.isBroken else {
            // Known from now on, so that its going is noticed.
            if self.files[file] == nil { self.files[file] = [:] }
            return Outcome(problems: content.problems)
        }
        var definitions: [ObjectKey: Definition] = [:]
        definitions.reserveCapacity(content.objects.count)
        var order: [ObjectKey] = []
        for (object, line) in content.objects where definitions[object.key] == nil {
            definitions[object.key] = Definition(object: object, line: line)
            order.append(object.key)
        }
        var outcome = self.replace(file, with: definitions, order: order)
        outcome.problems.insert(contentsOf: content.problems, at: 0)
        return outcome
    }

    /// A file is gone, and its objects with it.
    package mutating func removed(_ file: String) -> Outcome {
        let outcome = self.replace(file, with: [:], order: [])
        self.files[file] = nil
        return outcome
    }

    private mutating func replace(
        _ file: String,
        with new: [ObjectKey: Definition],
        order: [ObjectKey]
    ) -> Outcome {
        let old = self.files[file] ?? [:]
        var outcome = Outcome()
        let gone = old.keys.filter { new[$0] == nil }.sorted { $0.description < $1.description }
        for key in gone + order {
            let before = self.winner(of: key)
            let beforeFile = self.holders[key]?.first
            self.files[file, default: [:]][key] = new[key]
            self.hold(key, by: file, new[key] != nil)
            let after = self.winner(of: key)
            if before?.object != after?.object {
                outcome.changes.append(ObjectChange(key: key, object: after?.object))
            }
            outcome.problems += self.conflict(over: key, defined: file, before: beforeFile)
        }
        if self.files[file] == nil { self.files[file] = [:] }
        return outcome
    }

    private func winner(of key: ObjectKey) -> Definition? {
        self.holders[key]?.first.flatMap { self.files[$0]?[key] }
    }

    private mutating func hold(_ key: ObjectKey, by file: String, _ isHeld: Bool) {
        var files = self.holders[key] ?? []
        let position = files.firstIndex { $0 >= file } ?? files.count
        let isThere = position < files.count && files[position] == file
        guard isHeld != isThere else { return }
        if isHeld {
            files.insert(file, at: position)
        } else {
            files.remove(at: position)
        }
        self.holders[key] = files.isEmpty ? nil : files
    }

    /// Tells of the file whose definition does not count: the one just read, or the one it displaced.
    private func conflict(over key: ObjectKey, defined file: String, before: String?) -> [ManifestProblem] {
        guard let holders = self.holders[key], holders.count > 1, let winner = holders.first else { return [] }
        guard let loser = winner != file ? file : before, loser != winner,
            let definition = self.files[loser]?[key], let other = self.files[winner]?[key]
        else { return [] }
        return [
            ManifestProblem(
                file: loser,
                line: definition.line,
                object: key.description,
                reason: "already defined in \(winner):\(other.line), which sorts first and wins"
            )
        ]
    }
}
