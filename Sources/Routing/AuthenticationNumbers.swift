/// Numbers for ways of asking for client certificates. A number is never used again for another one, so that a
/// connection that was made under one plan is not taken for something else under a later one.
struct AuthenticationNumbers {
    private(set) var numbers: [ClientAuthentication: Int32] = [:]
    private var next: Int32 = 0

    func number(of authentication: ClientAuthentication) -> Int32 { self.numbers[authentication] ?? -1 }

    /// Those in use, from now on. Returns whether any is new or gone.
    mutating func keep(_ used: Set<ClientAuthentication>) -> Bool {
        let before = self.numbers.count
        self.numbers = self.numbers.filter { used.contains($0.key) }
        var isChanged = self.numbers.count != before
        for authentication in used where self.numbers[authentication] == nil {
            self.numbers[authentication] = self.next
            // After two thousand million changes the first numbers belong to nobody any more.
            self.next = self.next == .max ? 0 : self.next + 1
            isChanged = true
        }
        return isChanged
    }
}
