internal import CReactor
internal import Linux

/// The processors that this process may use, and which of them a thread stays on.
public enum Processors {
    public static var usable: [Int] {
        var numbers = [Int32](repeating: 0, count: 1024)
        let count = unsafe numbers.withUnsafeMutableBufferPointer {
            unsafe fairlead_usable_processors($0.baseAddress, 1024)
        }
        return count > 0 ? numbers.prefix(Int(count)).map(Int.init) : [0]
    }

    /// Keeps the calling thread there; false if the system does not let it.
    public static func pin(to processor: Int) -> Bool { fairlead_pin_thread(Int32(processor)) == 0 }
}
