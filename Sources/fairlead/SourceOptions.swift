internal import ArgumentParser
internal import KubernetesAPI

/// Where objects come from.
struct SourceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A directory of YAML and JSON files with Services, EndpointSlices, ServiceCIDRs and this Node; followed while running.",
            valueName: "directory"))
    var manifests: String?

    @Option(
        name: .customLong("max-manifest-size"),
        help: ArgumentHelp("Refuse a manifest file larger than this.", valueName: "bytes"))
    var maximumFileSize = ManifestLimits().maximumFileSize

    @Option(
        name: .customLong("max-manifest-depth"),
        help: ArgumentHelp("Refuse a manifest nested deeper than this, at most 1000.", valueName: "levels"))
    var maximumDepth = ManifestLimits().maximumDepth

    @Option(
        name: .customLong("max-manifest-nodes"),
        help: ArgumentHelp("Refuse a document with more values than this, aliases expanded.", valueName: "count"))
    var maximumNodes = ManifestLimits().maximumNodes

    /// For commands that read files only.
    func directory() throws -> String {
        guard let manifests else {
            throw CommandFailure.usage(
                "--manifests DIRECTORY is needed")
        }
        return manifests
    }

    func limits() throws -> ManifestLimits {
        func require(_ value: Int, within range: ClosedRange<Int>, _ option: String) throws {
            guard !range.contains(value) else { return }
            throw CommandFailure.usage(
                "\(option): must be from \(range.lowerBound) to \(range.upperBound), not \(value)")
        }
        try require(self.maximumFileSize, within: 1...(1 << 40), "--max-manifest-size")
        // libyaml itself gives up at a thousand.
        try require(self.maximumDepth, within: 1...1000, "--max-manifest-depth")
        try require(self.maximumNodes, within: 1...Int(Int32.max), "--max-manifest-nodes")
        var limits = ManifestLimits()
        limits.maximumFileSize = self.maximumFileSize
        limits.maximumDepth = self.maximumDepth
        limits.maximumNodes = self.maximumNodes
        return limits
    }
}
