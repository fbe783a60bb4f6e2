package import KubernetesAPI
internal import Linux

/// The objects of a directory of manifests, read once and not followed.
package struct ManifestListing: Sendable {
    package private(set) var objects: [KubernetesObject] = []
    package private(set) var problems: [ManifestProblem] = []

    /// Reads the directory under the rules of ``ManifestSource``: which files count, and which
    /// definition of an object wins.
    package static func read(
        directory: String,
        kinds: Set<ObjectKind>,
        limits: ManifestLimits = ManifestLimits()
    ) throws(ManifestSourceError) -> ManifestListing {
        let names: [String]
        do throws(SystemError) {
            names = try FileStatus.names(inDirectory: directory).filter(PendingFiles.isManifest).sorted()
        } catch {
            throw ManifestSourceError(directory: directory, cause: error)
        }
        var state = ManifestDirectory()
        var listing = ManifestListing()
        var current: [ObjectKey: KubernetesObject] = [:]
        for name in names {
            let outcome: ManifestDirectory.Outcome
            do throws(SystemError) {
                switch try ManifestFile.read("\(directory)/\(name)", limit: limits.maximumFileSize) {
                case .directory:
                    continue
                case .special:
                    listing.problems.append(ManifestProblem(file: name, line: 1, reason: ManifestFile.notRegular))
                    continue
                case .content(let bytes, _):
                    outcome = state.read(
                        ManifestDecoder.decode(bytes, file: name, kinds: kinds, limits: limits), of: name)
                }
            } catch {
                let reason = ManifestFile.reason(error, limit: limits.maximumFileSize)
                listing.problems.append(ManifestProblem(file: name, line: 1, reason: reason))
                continue
            }
            listing.problems += outcome.problems
            for change in outcome.changes { current[change.key] = change.object }
        }
        listing.objects = Array(current.values)
        return listing
    }
}
