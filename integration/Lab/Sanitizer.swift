internal import Glibc

/// What a sanitizer takes for itself: `.ci/sanitize` says which one the tests were built with. Its shadow memory and what it keeps of
/// what was freed are no growth of the program's, and all that is counted takes it several times as long; bounds are wider by that,
/// and are held without one.
package enum Sanitizer {
    package static let isOn = unsafe getenv("FAIRLEAD_SANITIZER") != nil

    /// A bound for memory, in bytes. AddressSanitizer keeps up to 256 MiB that were freed, beside shadow of an eighth; ThreadSanitizer has
    /// shadow of four times what was touched.
    package static func bound(_ bytes: Int) -> Int { self.isOn ? bytes * 4 + (512 << 20) : bytes }

    /// A bound for time.
    package static func bound(_ time: Duration) -> Duration { self.isOn ? time * 10 : time }
}
