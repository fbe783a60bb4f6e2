import Networking
import Testing

@testable import Admin

@Suite struct BindAddressTests {
    @Test(arguments: [
        ("0.0.0.0:10256", "0.0.0.0:10256"), ("127.0.0.1", "127.0.0.1:7"), ("::", "[::]:7"), ("::1", "[::1]:7"),
        ("[::1]:80", "[::1]:80"), ("[::]:65535", "[::]:65535"), ("10.0.0.1:0", "10.0.0.1:0"),
        ("010.0.0.1:1", "10.0.0.1:1"), ("fd00::1:2", "[fd00::1:2]:7"),
    ])
    func anAddressWithOrWithoutItsPort(text: String, address: String) {
        #expect(BindAddress(text, defaultPort: 7)?.description == address)
    }

    @Test(arguments: [
        "", ":10256", "10256", "localhost:80", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:+1", "1.2.3.4:-1", "1.2.3.4:http",
        "[::1]", "::1:", "[1.2.3.4]:80", "[::1:80", "::1]:80", "[fe80::1%eth0]:80", "1.2.3.4 :80", "1.2.3:80",
    ])
    func anythingElseIsNone(text: String) {
        #expect(BindAddress(text, defaultPort: 7) == nil)
    }
}
