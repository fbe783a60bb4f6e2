internal import CLinux
internal import Glibc

/// An `inotify(7)` instance that follows one directory.
package final class Inotify: Sendable {
    /// One thing that happened.
    package struct Event: Sendable, Hashable {
        package let mask: Mask
        /// The entry of the directory; nil if it happened to the directory itself.
        package let name: String?

        package init(mask: Mask, name: String?) {
            self.mask = mask
            self.name = name
        }
    }

    /// The kernel's bits.
    package struct Mask: OptionSet, Sendable, Hashable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        package static let modify = Mask(rawValue: UInt32(IN_MODIFY))
        package static let closeWrite = Mask(rawValue: UInt32(IN_CLOSE_WRITE))
        package static let movedFrom = Mask(rawValue: UInt32(IN_MOVED_FROM))
        package static let movedTo = Mask(rawValue: UInt32(IN_MOVED_TO))
        package static let create = Mask(rawValue: UInt32(IN_CREATE))
        package static let delete = Mask(rawValue: UInt32(IN_DELETE))
        package static let deleteSelf = Mask(rawValue: UInt32(IN_DELETE_SELF))
        package static let moveSelf = Mask(rawValue: UInt32(IN_MOVE_SELF))
        package static let unmount = Mask(rawValue: UInt32(IN_UNMOUNT))
        package static let queueOverflow = Mask(rawValue: UInt32(IN_Q_OVERFLOW))
        package static let ignored = Mask(rawValue: UInt32(IN_IGNORED))
    }

    private let descriptor: Descriptor

    package init() throws(SystemError) {
        self.descriptor = Descriptor(
            owning: try systemCall("inotify_init1") { inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK)) }
        )
    }

    /// To be waited on for reading.
    package var number: Int32 { self.descriptor.number }

    /// Follows a directory from now on.
    package func follow(directory: String, _ mask: Mask) throws(SystemError) {
        _ = try systemCall("inotify_add_watch", directory) {
            unsafe inotify_add_watch(self.descriptor.number, directory, mask.rawValue | UInt32(IN_ONLYDIR))
        }
    }

    /// All events so far.
    package func events() throws(SystemError) -> [Event] {
        var events: [Event] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let capacity = buffer.count
            let count = try nonBlockingCall("read", "inotify") {
                unsafe read(self.descriptor.number, &buffer, capacity)
            }
            guard let count, count > 0 else { return events }
            Self.decode(buffer[..<count], into: &events)
        }
    }

    /// Little-endian, as every machine this is built for.
    /// `struct inotify_event`: watch, mask, cookie and length of the name, then the name, padded with NULs.
    static func decode(_ bytes: ArraySlice<UInt8>, into events: inout [Event]) {
        var rest = bytes
        func word(_ index: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 | UInt32(rest[rest.startIndex + index * 4 + $1]) << UInt32($1 * 8) }
        }
        while rest.count >= 16 {
            let mask = Mask(rawValue: word(1))
            let length = Int(word(3))
            guard rest.count >= 16 + length else { return }
            let name = rest.dropFirst(16).prefix(length).prefix { $0 != 0 }
            events.append(Event(mask: mask, name: name.isEmpty ? nil : String(decoding: name, as: UTF8.self)))
            rest = rest.dropFirst(16 + length)
        }
    }
}
