import Bytes
import Lab
import Testing

@Suite struct ByteBufferTests {
    // MARK: - Positions

    @Test func `without memory it is empty and has no space`() {
        var buffer = ByteBuffer()
        #expect(buffer.layout == [0, 0, 0])
        #expect(buffer.capacity == 0)
        let (hasMemory, isEmpty) = (buffer.hasMemory, buffer.isEmpty)
        #expect(!hasMemory && isEmpty)
        // Nothing is done with nothing.
        buffer.consume(0)
        buffer.compact()
        buffer.clear()
        buffer.dropLast(0)
        buffer.append("")
        buffer.append(Span())
        #expect(buffer.bytes == [])
        #expect(buffer.layout == [0, 0, 0])
    }

    @Test func `reading goes on where it stopped, and begins anew when all is read`() {
        var buffer = ByteBuffer("abcdef", capacity: 8)
        #expect(buffer.layout == [0, 6, 2])
        buffer.consume(2)
        #expect(buffer.text == "cdef")
        #expect(buffer.layout == [2, 4, 2])
        buffer.append("gh")
        #expect(buffer.text == "cdefgh")
        #expect(buffer.layout == [2, 6, 0])
        buffer.consume(6)
        #expect(buffer.layout == [0, 0, 8])
    }

    @Test func `compacting makes all free memory space, also where the bytes overlap their new place`() {
        for consumed in 0...16 {
            var buffer = ByteBuffer("0123456789abcdef", capacity: 16)
            buffer.consume(consumed)
            let text = buffer.text
            buffer.compact()
            #expect(buffer.text == text)
            #expect(buffer.layout == [0, 16 - consumed, consumed])
        }
    }

    @Test func `clearing and dropping from the end`() {
        var buffer = ByteBuffer("abcdef", capacity: 8)
        buffer.consume(1)
        buffer.dropLast(2)
        #expect(buffer.text == "bcd")
        #expect(buffer.layout == [1, 3, 4])
        buffer.dropLast(3)
        #expect(buffer.layout == [1, 0, 7])
        buffer.compact()
        #expect(buffer.layout == [0, 0, 8])
        buffer.append("xy")
        buffer.clear()
        #expect(buffer.layout == [0, 0, 8])
    }

    // MARK: - Writing

    @Test func `spans, parts of them, texts and bytes are appended in order`() {
        var buffer = ByteBuffer(capacity: 32)
        let bytes = Array("GET / HTTP/1.1".utf8)
        buffer.append(bytes.span)
        buffer.append(UInt8(ascii: "|"))
        buffer.append(bytes.span, ByteRange(start: 6, count: 4))
        buffer.append(bytes.span, .empty)
        buffer.append(bytes.span, ByteRange(start: 14, count: 0))
        buffer.append("\r\n")
        #expect(buffer.text == "GET / HTTP/1.1|HTTP\r\n")
    }

    @Test(arguments: [
        0, 1, 9, 10, 11, 15, 16, 17, 99, 100, 255, 256, 4_096, 65_535, 65_536, 999_999_999, 1_000_000_000,
        UInt64(UInt32.max), UInt64(Int64.max), 10_000_000_000_000_000_000, UInt64.max - 1, UInt64.max,
    ])
    func `numbers are written as Swift writes them, into exactly as much space as they need`(number: UInt64) {
        let (decimal, hex) = (String(number), String(number, radix: 16))
        var buffer = ByteBuffer(capacity: decimal.utf8.count + hex.utf8.count)
        buffer.append(decimal: number)
        #expect(buffer.text == decimal)
        buffer.append(hex: number)
        #expect(buffer.text == decimal + hex)
        #expect(buffer.space == 0)
    }

    @Test(arguments: [
        (0, 4, "0000"), (0xa, 2, "0a"), (0xbeef, 4, "beef"), (0xbeef, 8, "0000beef"),
        (UInt64.max, 16, "ffffffffffffffff"),
        // Lower digits alone, where there is no room for all.
        (0xbeef, 2, "ef"), (1, 0, ""),
    ])
    func `hexadecimal numbers of a given length`(number: UInt64, digits: Int, text: String) {
        var buffer = ByteBuffer(capacity: 16)
        buffer.append(hex: number, digits: digits)
        #expect(buffer.text == text)
    }

    @Test func `ranges are counted from the reading position`() {
        var buffer = ByteBuffer("--/path?x", capacity: 16)
        buffer.consume(2)
        buffer.repeat(ByteRange(start: 0, count: 5))
        #expect(buffer.text == "/path?x/path")
        buffer.replace(at: 0, with: UInt8(ascii: "*"))
        buffer.replace(at: 11, with: UInt8(ascii: "H"))
        #expect(buffer.text == "*path?x/patH")
        buffer.consume(8)
        buffer.repeat(.empty)
        buffer.repeat(ByteRange(start: 0, count: 2))
        #expect(buffer.text == "patHpa")
    }

    @Test func `what fills the space says how much it wrote`() {
        var buffer = ByteBuffer("ab", capacity: 6)
        buffer.consume(1)
        var room = 0
        let written = unsafe buffer.fill { space in
            room = space.count
            unsafe space.copyBytes(from: "xyz".utf8)
            return 2
        }
        #expect(written == 2 && room == 4)
        #expect(buffer.text == "bxy")
        #expect(buffer.layout == [1, 3, 2])
        let lent = unsafe buffer.withReadable { unsafe Array($0) }
        #expect(lent == Array("bxy".utf8))
    }

    /// Against an array and two numbers.
    @Test(arguments: 0..<8 as Range<UInt64>)
    func `whatever is done to it, it holds what it should`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let capacity = Int.random(in: 1...80, using: &random)
        var buffer = ByteBuffer(capacity: capacity)
        var start = 0
        var model: [UInt8] = []
        for _ in 0..<4_000 {
            let space = capacity - start - model.count
            switch Int.random(in: 0..<8, using: &random) {
            case 0:
                let count = Int.random(in: 0...model.count, using: &random)
                buffer.consume(count)
                model.removeFirst(count)
                start = model.isEmpty ? 0 : start + count
            case 1:
                buffer.compact()
                start = 0
            case 2:
                let count = Int.random(in: 0...model.count, using: &random)
                buffer.dropLast(count)
                model.removeLast(count)
            case 3 where !model.isEmpty:
                let (index, byte) = (
                    Int.random(in: 0..<model.count, using: &random), UInt8(truncatingIfNeeded: random.next())
                )
                buffer.replace(at: index, with: byte)
                model[index] = byte
            case 4:
                let first = Int.random(in: 0...model.count, using: &random)
                let count = Int.random(in: 0...min(model.count - first, space), using: &random)
                buffer.repeat(ByteRange(start: first, count: count))
                model += model[first..<first + count]
            case 5:
                let number = random.next() >> UInt64.random(in: 0..<64, using: &random)
                guard String(number).utf8.count <= space else { continue }
                buffer.append(decimal: number)
                model += String(number).utf8
            default:
                let bytes = (0..<Int.random(in: 0...space, using: &random)).map { _ in
                    UInt8(truncatingIfNeeded: random.next())
                }
                buffer.append(bytes.span)
                model += bytes
            }
            #expect(buffer.bytes == model)
            #expect(buffer.layout == [start, model.count, capacity - start - model.count])
        }
    }

    // MARK: - What must not be

    /// Each would reach past what was written, or past the memory.
    @Test func `a use past its bounds ends the process`() async {
        await #expect(processExitsWith: .failure) { ByteBuffer.three { $0.consume(4) } }
        await #expect(processExitsWith: .failure) { ByteBuffer.three { $0.consume(-1) } }
        await #expect(processExitsWith: .failure) { ByteBuffer.three { $0.dropLast(4) } }
        await #expect(processExitsWith: .failure) { ByteBuffer.three { $0.append("xy") } }
        await #expect(processExitsWith: .failure) { ByteBuffer.three { $0.append(decimal: 10) } }
        await #expect(processExitsWith: .failure) { ByteBuffer.three { $0.append(bytes: [1, 2]) } }
        await #expect(processExitsWith: .failure) {
            ByteBuffer.three { $0.append(bytes: [1], ByteRange(start: 1, count: 1)) }
        }
        await #expect(processExitsWith: .failure) { ByteBuffer.three { $0.repeat(ByteRange(start: 3, count: 1)) } }
        await #expect(processExitsWith: .failure) { ByteBuffer.three { $0.repeat(ByteRange(start: 0, count: 2)) } }
        await #expect(processExitsWith: .failure) { ByteBuffer.three { $0.replace(at: 3, with: 0) } }
        await #expect(processExitsWith: .failure) { ByteBuffer.three { _ = unsafe $0.fill { _ in 2 } } }
        await #expect(processExitsWith: .failure) { ByteBuffer().none { $0.append(1) } }
        await #expect(processExitsWith: .failure) { _ = ByteBuffer(capacity: 0) }
        // The same, where they are allowed.
        await #expect(processExitsWith: .success) {
            ByteBuffer.three {
                $0.replace(at: 2, with: 0)
                _ = unsafe $0.fill { _ in 1 }
                $0.consume(4)
            }
        }
    }
}

extension ByteBuffer {
    /// Three bytes are readable, and one more has room.
    static func three(_ body: (inout ByteBuffer) -> Void) {
        var buffer = ByteBuffer("abc", capacity: 4)
        body(&buffer)
    }

    mutating func append(bytes: [UInt8]) { self.append(bytes.span) }

    mutating func append(bytes: [UInt8], _ range: ByteRange) { self.append(bytes.span, range) }

    consuming func none(_ body: (inout ByteBuffer) -> Void) { body(&self) }
}
