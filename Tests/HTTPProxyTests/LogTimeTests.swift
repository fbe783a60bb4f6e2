import Bytes
import Testing

@testable import HTTPProxy

@Suite struct LogTimeTests {
    @Test(arguments: [
        (Int64(0), "1970-01-01T00:00:00Z", "01/Jan/1970:00:00:00 +0000"),
        (1_795_266_309, "2026-11-21T13:05:09Z", "21/Nov/2026:13:05:09 +0000"),
        (951_827_696, "2000-02-29T12:34:56Z", "29/Feb/2000:12:34:56 +0000"),
    ])
    func `a second as access logs write it`(seconds: Int64, utc: String, local: String) {
        let time = LogTime(secondsSince1970: seconds)
        var buffer = ByteBuffer(capacity: 64)
        time.writeUTC(into: &buffer)
        #expect(String(decoding: buffer.copy, as: UTF8.self) == utc)
        buffer.clear()
        time.writeLocal(into: &buffer)
        #expect(String(decoding: buffer.copy, as: UTF8.self) == local)
    }
}
