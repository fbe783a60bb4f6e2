import Testing

@testable import Bytes

@Suite struct BufferPoolTests {
    /// Where a buffer's memory is.
    private static func address(_ buffer: borrowing ByteBuffer) -> Int {
        unsafe Int(bitPattern: buffer.readablePointer)
    }

    @Test func `a buffer that came back is given out again, empty`() {
        var pool = BufferPool(size: 32, limit: 4)
        var buffer = pool.take()
        #expect(buffer.layout == [0, 0, 32])
        #expect(pool.used == 1)
        let address = Self.address(buffer)
        buffer.append("what was in it")
        buffer.consume(5)
        pool.give(buffer)
        #expect(pool.used == 0)
        let again = pool.take()
        #expect(Self.address(again) == address)
        #expect(again.layout == [0, 0, 32])
        #expect(pool.used == 1)
    }

    @Test func `two buffers in use never share memory`() {
        var pool = BufferPool(size: 16, limit: 2)
        var first = pool.take()
        var second = pool.take()
        first.append("first")
        second.append("second")
        #expect(first.text == "first" && second.text == "second")
        #expect(Self.address(first) != Self.address(second))
        pool.give(first)
        pool.give(second)
        #expect(pool.used == 0)
    }

    @Test(arguments: [0, 1, 3, 8])
    func `no more unused buffers are kept than the limit says`(limit: Int) {
        var pool = BufferPool(size: 16, limit: limit)
        for _ in 0..<3 {
            var taken: [UnownedMemory] = []
            for _ in 0..<5 { taken.append(pool.take().release()) }
            #expect(pool.used == 5)
            for memory in taken { pool.give(ByteBuffer(memory, capacity: 16)) }
            #expect(pool.used == 0)
            #expect(pool.kept == min(5, limit))
        }
    }

    @Test func `a buffer without memory is welcome, and counts for nothing`() {
        var pool = BufferPool(size: 16, limit: 2)
        let buffer = pool.take()
        pool.give(ByteBuffer())
        #expect(pool.used == 1 && pool.kept == 0)
        pool.give(buffer)
        #expect(pool.used == 0 && pool.kept == 1)
    }

    @Test func `a buffer of another pool ends the process`() async {
        await #expect(processExitsWith: .failure) {
            var small = BufferPool(size: 16, limit: 1)
            var large = BufferPool(size: 32, limit: 1)
            small.give(large.take())
        }
        await #expect(processExitsWith: .success) {
            var small = BufferPool(size: 16, limit: 1)
            var large = BufferPool(size: 32, limit: 1)
            small.give(small.take())
            large.give(large.take())
        }
    }
}
