/// Certificates with their keys, self-signed, made for these tests and used nowhere else.
struct TestCertificate {
    let chain: [UInt8]
    let key: [UInt8]

    private init(_ chain: String, _ key: String) {
        self.chain = Array(chain.utf8)
        self.key = Array(key.utf8)
    }

    /// For shop.example and *.shop.example, until 2126-01-01.
    static let shop = TestCertificate(
        """
        -----BEGIN CERTIFICATE-----
        MIIBbzCCARSgAwIBAgIUSnmu9xCAV+GwwwDeafmtwBWBEt0wCgYIKoZIzj0EAwIw
        FzEVMBMGA1UEAwwMc2hvcC5leGFtcGxlMCAXDTI2MDEwMTAwMDAwMFoYDzIxMjYw
        MTAxMDAwMDAwWjAXMRUwEwYDVQQDDAxzaG9wLmV4YW1wbGUwWTATBgcqhkjOPQIB
        BggqhkjOPQMBBwNCAASwV+s/d9Fm1WQt/5eW2VWBTItGq5G9C1PyX3zSFfubiJ4s
        0oK5/nwhvNtlNfc5IciPproazgzOXUCDzl2IIUV5ozwwOjAnBgNVHREEIDAeggxz
        aG9wLmV4YW1wbGWCDiouc2hvcC5leGFtcGxlMA8GA1UdEwEB/wQFMAMBAf8wCgYI
        KoZIzj0EAwIDSQAwRgIhANC/2xgYe1+4lw6EyyrR0NL/0Rsgt5UBIPbA2sDiyPSy
        AiEA82WVxRi+bZhaH/6QD5LqlmRiNaeg409J4YbGVCasPYI=
        -----END CERTIFICATE-----

        """,
        """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg9ElJdF2So+UGrWRb
        cSKGSe+EYV/3pVluzJGU1Ytg1yqhRANCAASwV+s/d9Fm1WQt/5eW2VWBTItGq5G9
        C1PyX3zSFfubiJ4s0oK5/nwhvNtlNfc5IciPproazgzOXUCDzl2IIUV5
        -----END PRIVATE KEY-----

        """)

    /// The same again.
    static let shopRenewed = TestCertificate(
        """
        -----BEGIN CERTIFICATE-----
        MIIBbjCCARSgAwIBAgIUNHfr2s21Obt8TYy3CgJW6joKIiMwCgYIKoZIzj0EAwIw
        FzEVMBMGA1UEAwwMc2hvcC5leGFtcGxlMCAXDTI2MDEwMTAwMDAwMFoYDzIxMjYw
        MTAxMDAwMDAwWjAXMRUwEwYDVQQDDAxzaG9wLmV4YW1wbGUwWTATBgcqhkjOPQIB
        BggqhkjOPQMBBwNCAATU3A9pe2UPhyJ1YlS5LJaz01l5HEDu5vUFY5+mUjqKk6Bl
        3ereXPxhQ5pIBd7zROQDkom+WgTQ9ub46BDfxVbSozwwOjAnBgNVHREEIDAeggxz
        aG9wLmV4YW1wbGWCDiouc2hvcC5leGFtcGxlMA8GA1UdEwEB/wQFMAMBAf8wCgYI
        KoZIzj0EAwIDSAAwRQIgWhkwukeWA73vfme2ColfQzhKaRErWPrmFYp4k7dKVVIC
        IQC1jEZjkaIw2ZUDmKKvWQjSmXOsscNo/CwpRrlsgBDQCA==
        -----END CERTIFICATE-----

        """,
        """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgWKAlHwgPq76wSTjW
        Vt8kIhr9eJHG8859BzI8cB8pBKahRANCAATU3A9pe2UPhyJ1YlS5LJaz01l5HEDu
        5vUFY5+mUjqKk6Bl3ereXPxhQ5pIBd7zROQDkom+WgTQ9ub46BDfxVbS
        -----END PRIVATE KEY-----

        """)

    /// For blog.example, until 2126-01-01.
    static let blog = TestCertificate(
        """
        -----BEGIN CERTIFICATE-----
        MIIBXjCCAQSgAwIBAgIUFHx17wgkfjtMxC276s2VgtSV750wCgYIKoZIzj0EAwIw
        FzEVMBMGA1UEAwwMYmxvZy5leGFtcGxlMCAXDTI2MDEwMTAwMDAwMFoYDzIxMjYw
        MTAxMDAwMDAwWjAXMRUwEwYDVQQDDAxibG9nLmV4YW1wbGUwWTATBgcqhkjOPQIB
        BggqhkjOPQMBBwNCAARV4OeFzQnUzqVeY17LEHqay5hAeWA8Q+ZsBsg4wpDUCPKe
        mFZJoNo0/YWa46m9BP/zCa21VHwVkYDgWpRiC949oywwKjAXBgNVHREEEDAOggxi
        bG9nLmV4YW1wbGUwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEA
        rHUgbPLc9qZYHzmiIDTGRHgVHAvcPxDsd6viomPv9osCIEIh9rbBSCb3ZvkYk2R1
        4bnimWHpXxrqIb4iHecTpyxR
        -----END CERTIFICATE-----

        """,
        """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQggdHTA0wruoVgvjVR
        jNpGRTehz3w9rvvasGiI8y6w80GhRANCAARV4OeFzQnUzqVeY17LEHqay5hAeWA8
        Q+ZsBsg4wpDUCPKemFZJoNo0/YWa46m9BP/zCa21VHwVkYDgWpRiC949
        -----END PRIVATE KEY-----

        """)

    /// For shop.example, until 2021-01-01.
    static let expired = TestCertificate(
        """
        -----BEGIN CERTIFICATE-----
        MIIBXTCCAQKgAwIBAgIURRfwEgnxQjZaReMpVSPpg/4cLEAwCgYIKoZIzj0EAwIw
        FzEVMBMGA1UEAwwMc2hvcC5leGFtcGxlMB4XDTIwMDEwMTAwMDAwMFoXDTIxMDEw
        MTAwMDAwMFowFzEVMBMGA1UEAwwMc2hvcC5leGFtcGxlMFkwEwYHKoZIzj0CAQYI
        KoZIzj0DAQcDQgAEdZSqWbc2LPtsxJa67X5UIEAaDMKveoH3elJZJdjO8DQfdYIV
        XYDJfxmf3bIIPP2QbwVpSRKJiwHvu50ciLV8xaMsMCowFwYDVR0RBBAwDoIMc2hv
        cC5leGFtcGxlMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhAPd0
        nMQ3yyAb6tmBICUPwXqRJNQBNlq4Z5WPzfxiuVv8AiEA+zi3mXv7T+ELkxdS9rJn
        mdooSBe3/D9obKpLtYNixgA=
        -----END CERTIFICATE-----

        """,
        """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgAIjN6RFCWaJsYwIf
        kG8bpPYTT1CZrNafZWdUzYTREbahRANCAAR1lKpZtzYs+2zElrrtflQgQBoMwq96
        gfd6Ulkl2M7wNB91ghVdgMl/GZ/dsgg8/ZBvBWlJEomLAe+7nRyItXzF
        -----END PRIVATE KEY-----

        """)
}
