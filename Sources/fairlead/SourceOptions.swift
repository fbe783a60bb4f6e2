internal import ArgumentParser
internal import KubernetesAPI

/// Where objects come from.
struct SourceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A directory of YAML and JSON files with Services and EndpointSlices; followed while running.",
            valueName: "directory"))
    var manifests: String?

    @Option(
        name: .customLong("max-manifest-size"),
        help: ArgumentHelp("Refuse a manifest file larger than this. Default: 64Mi.", valueName: "bytes"))
    var maximumManifestSize: Int?

    func directory() throws -> String {
        guard let manifests else {
            throw CommandFailure.usage(
                "--manifests DIRECTORY is needed: this version reads objects from files, not yet from an API server")
        }
        return manifests
    }

    func limits() throws -> ManifestLimits {
        var limits = ManifestLimits()
        if let maximumManifestSize {
            guard maximumManifestSize > 0 else { throw CommandFailure.usage("--max-manifest-size: must be positive") }
            limits.maximumFileSize = maximumManifestSize
        }
        return limits
    }
}
