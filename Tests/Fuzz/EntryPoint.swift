// What libFuzzer calls. Each target is one file of Targets/, which defines `examine`; `run` compiles it together with this file and
// the invariants that the tests use too.
//
// **Unsafe, and why it is right.** libFuzzer gives `size` bytes at `data` that stay as they are during the call; they are copied
// before anything else happens.

@c(LLVMFuzzerTestOneInput)
func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: size))
    do {
        try examine(bytes)
    } catch {
        fatalError("\(error)")
    }
    return 0
}
