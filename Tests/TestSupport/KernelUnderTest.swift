/// The kernels that a conformance case runs on.
public enum KernelKind: String, CaseIterable, Sendable, CustomStringConvertible {
    case fake
    case real

    public var description: String { self.rawValue }
}
