internal import COpenSSL

/// What OpenSSL hands to its ticket callback: see SSL_CTX_set_tlsext_ticket_key_evp_cb(3). Never leaves the callback's
/// thread, though it goes into a lock.
@unsafe
struct TicketRequest: @unchecked Sendable {
    /// 16 bytes: written when a ticket is made, read when one is shown.
    let name: UnsafeMutablePointer<UInt8>
    /// Likewise, as long as the cipher's.
    let vector: UnsafeMutablePointer<UInt8>
    let cipher: OpaquePointer
    let mac: OpaquePointer
}

/// The bytes of the ticket keys.
///
/// Unsafe invariants of this file: `base` is `TicketKeySchedule.places * size` bytes from `init` to `deinit`, is owned by this
/// value alone and is wiped before it is freed; places are checked. `cipher` is one reference. The pointers of a
/// request are valid during the callback that it comes from, for the sizes that OpenSSL documents.
@safe
struct TicketKeyMemory: ~Copyable {
    /// A name, a key of AES-256-CBC, and one of HMAC-SHA-256.
    private static let nameSize = 16
    private static let keySize = 32
    private static let size = 16 + 2 * 32

    private let base: UnsafeMutablePointer<UInt8>
    private let cipher: OpaquePointer

    /// nil without memory.
    init?() {
        guard let cipher = unsafe EVP_CIPHER_fetch(nil, "AES-256-CBC", nil) else { return nil }
        let count = TicketKeySchedule.places * Self.size
        unsafe self.base = UnsafeMutablePointer<UInt8>.allocate(capacity: count)
        unsafe self.base.initialize(repeating: 0, count: count)
        unsafe self.cipher = cipher
    }

    deinit {
        unsafe OPENSSL_cleanse(self.base, TicketKeySchedule.places * Self.size)
        unsafe self.base.deallocate()
        unsafe EVP_CIPHER_free(self.cipher)
    }

    private func key(_ place: Int) -> UnsafeMutablePointer<UInt8> {
        precondition(place >= 0 && place < TicketKeySchedule.places)
        return unsafe self.base + place * Self.size
    }

    /// false without random numbers; the place then holds nothing.
    func perform(_ change: TicketKeySchedule.Change) -> Bool {
        switch change {
        case .erase(let place):
            unsafe OPENSSL_cleanse(self.key(place), Self.size)
            return true
        case .fill(let place):
            if unsafe RAND_priv_bytes(self.key(place), Int32(Self.size)) == 1 { return true }
            unsafe OPENSSL_cleanse(self.key(place), Self.size)
            return false
        }
    }

    /// The place of the key that a ticket names.
    func place(named request: TicketRequest) -> Int? {
        (0..<TicketKeySchedule.places).first { unsafe CRYPTO_memcmp(self.key($0), request.name, Self.nameSize) == 0 }
    }

    func startEncryption(with place: Int, _ request: TicketRequest) -> Bool {
        let length = unsafe EVP_CIPHER_get_iv_length(self.cipher)
        guard unsafe RAND_bytes(request.vector, length) == 1 else { return false }
        unsafe request.name.update(from: self.key(place), count: Self.nameSize)
        return unsafe self.start(place, request, encrypting: 1)
    }

    func startDecryption(with place: Int, _ request: TicketRequest) -> Bool {
        unsafe self.start(place, request, encrypting: 0)
    }

    private func start(_ place: Int, _ request: TicketRequest, encrypting: Int32) -> Bool {
        let key = unsafe self.key(place) + Self.nameSize
        return unsafe fairlead_ticket_start(
            request.cipher, request.mac, self.cipher, key, key + Self.keySize, request.vector, encrypting) == 1
    }
}
