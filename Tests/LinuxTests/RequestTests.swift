import Testing

@testable import Linux

/// One-shot requests to rtnetlink and generic netlink, and IPVS by its files. (What needs a namespace of
/// its own is with the tests of KernelDataplane.)
@Suite struct RequestTests {
    @Test func aFamilyOfGenericNetlinkIsFoundByItsName() throws {
        // That of the controller itself is fixed.
        #expect(try GenericNetlink.number(of: "nlctrl") == 16)
        #expect(try GenericNetlink.number(of: "no-such-family") == nil)
    }

    @Test func aMissingInterfaceIsNoError() throws {
        #expect(!NetworkInterface.exists("no-such-link"))
        #expect(try NetworkInterface.delete("no-such-link") == false)
        #expect(NetworkInterface.exists("lo"))
    }

    @Test func aFileOfTheKernelThatIsNotThereIsNone() throws {
        #expect(try HostSystem.networkFile("no_such_file") == nil)
        #expect(try HostSystem.networkFile("dev")?.contains("lo:") == true)
    }

    @Test func virtualServersAreCounted() throws {
        let heading = """
            IP Virtual Server version 1.2.1 (size=4096)
            Prot LocalAddress:Port Scheduler Flags
              -> RemoteAddress:Port Forward Weight ActiveConn InActConn

            """
        #expect(VirtualServers.count(in: heading) == 0)
        let listing =
            heading + """
                TCP  0A600001:01BB rr
                  -> AC110002:192B      Masq    1      0          0
                UDP  0A60000A:0035 rr
                  -> 0AF40002:0035      Masq    1      0          0
                  -> 0AF40003:0035      Masq    1      0          0
                TCP  [fd00:0010:0096:0000:0000:0000:0000:0001]:01BB rr
                SCTP 0A600001:01BB rr
                FWM  00000001 rr

                """
        #expect(VirtualServers.count(in: listing) == 5)
    }

    @Test func aFileInMemoryIsReadByAnotherProgram() throws {
        let file = try Descriptor.memoryFile("test", "two\nlines\n".utf8)
        let completion = try ChildProcess.run(["cat", file.pathForChildren])
        #expect(completion.output == "two\nlines\n")
    }
}
