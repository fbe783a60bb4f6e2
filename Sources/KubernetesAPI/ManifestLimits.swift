/// How much one manifest file may ask for. Every limit is far above what a real cluster writes and
/// low enough that no file, however hostile, takes the node's memory or more than seconds of its time.
package struct ManifestLimits: Sendable, Hashable {
    /// Bytes in a file. About 50,000 Services with their slices.
    package var maximumFileSize: Int
    /// Levels of mappings and sequences inside each other. A Service needs 5.
    package var maximumDepth: Int
    /// Nodes of one document with each alias counted as a copy of what it names. Stops documents
    /// whose aliases name aliases ("billion laughs").
    package var maximumNodes: Int
    /// Endpoints in a slice, as the API server limits them.
    package var maximumEndpointsPerSlice: Int
    /// Ports in a slice, as the API server limits them.
    package var maximumPortsPerSlice: Int
    /// Addresses of one endpoint, as the API server limits them.
    package var maximumAddressesPerEndpoint: Int
    /// Zones, and nodes, that one endpoint is a hint for, as the API server limits them.
    package var maximumHintsPerEndpoint: Int
    /// Bytes of all that a Secret holds, as the API server limits them.
    package var maximumSecretSize: Int
    /// Problems told per object; the rest are counted.
    package var maximumProblemsPerObject: Int
    /// Problems told per file; the rest are counted.
    package var maximumProblemsPerFile: Int

    package init(
        maximumFileSize: Int = 64 << 20,
        maximumDepth: Int = 64,
        maximumNodes: Int = 10_000_000,
        maximumEndpointsPerSlice: Int = 1_000,
        maximumPortsPerSlice: Int = 20_000,
        maximumAddressesPerEndpoint: Int = 100,
        maximumHintsPerEndpoint: Int = 8,
        maximumSecretSize: Int = 1 << 20,
        maximumProblemsPerObject: Int = 10,
        maximumProblemsPerFile: Int = 100
    ) {
        self.maximumFileSize = maximumFileSize
        self.maximumDepth = maximumDepth
        self.maximumNodes = maximumNodes
        self.maximumEndpointsPerSlice = maximumEndpointsPerSlice
        self.maximumPortsPerSlice = maximumPortsPerSlice
        self.maximumAddressesPerEndpoint = maximumAddressesPerEndpoint
        self.maximumHintsPerEndpoint = maximumHintsPerEndpoint
        self.maximumSecretSize = maximumSecretSize
        self.maximumProblemsPerObject = maximumProblemsPerObject
        self.maximumProblemsPerFile = maximumProblemsPerFile
    }
}
