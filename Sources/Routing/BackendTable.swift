/// The backends of a plan by index. A backend keeps its index as long as an Ingress leads to it; an index that nobody
/// has holds nil, and may later be another backend's.
///
/// In chunks, so that a copy with one change costs some hundred steps and not as many as there are backends.
package struct BackendTable: Sendable, RandomAccessCollection {
    private static let chunkSize = 128

    private var chunks: [[BackendPlan?]] = []

    package var startIndex: Int { 0 }
    package var endIndex: Int { self.chunks.count * Self.chunkSize }

    package internal(set) subscript(index: Int) -> BackendPlan? {
        get {
            let chunk = index / Self.chunkSize
            return self.chunks.indices.contains(chunk) ? self.chunks[chunk][index % Self.chunkSize] : nil
        }
        set {
            while index >= self.endIndex {
                self.chunks.append([BackendPlan?](repeating: nil, count: Self.chunkSize))
            }
            self.chunks[index / Self.chunkSize][index % Self.chunkSize] = newValue
        }
    }
}
