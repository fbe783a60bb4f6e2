internal import Admin
internal import AdminAPI
internal import ArgumentParser
internal import Linux

/// `fairlead get`: what a running Fairlead knows.
struct Get: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what the Fairlead of this node knows.",
        discussion: "Asks the admin socket of `fairlead node` or `fairlead run`, and changes nothing.",
        subcommands: [GetEndpoints.self]
    )
}

/// `fairlead get endpoints`.
struct GetEndpoints: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "endpoints",
        abstract: "Show endpoints: who serves them, how they are, how many connections they have.",
        discussion: """
            STATE is Ready, WarmingUp (slow start, with the part of its share that it has), Unhealthy (fails its active health \
            check), Draining or NotReady. CONNECTIONS are those of the userspace balancer; the kernel does not count its own.
            """,
        aliases: ["endpoint", "ep"]
    )

    @Argument(help: ArgumentHelp("Endpoints of this Service only.", valueName: "service"))
    var service: String?

    @OptionGroup var scope: NamespaceOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let query = EndpointQuery(namespace: self.scope.namespace, service: self.service)
        let body = try await self.connection.get(query.target)
        if self.output.format == .json { return print(String(decoding: body, as: UTF8.self)) }
        let list: EndpointList
        do throws(APIFailure) {
            list = try EndpointList(json: body)
        } catch {
            throw CommandFailure.failed(
                "\(self.connection.adminSocket): \(error). It may be another version of Fairlead")
        }
        guard !list.items.isEmpty else { return StandardError.write("No endpoints found.\n") }
        let text =
            self.output.format == .name
            ? EndpointTable.names(list)
            : EndpointTable.text(list, isWide: self.output.format == .wide, now: WallTime.now.unixNanoseconds)
        print(text, terminator: "")
    }
}

// MARK: - Options that all of `fairlead get` has

struct NamespaceOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: ArgumentHelp("Of this namespace only.", valueName: "namespace"))
    var namespace: String?

    @Flag(
        name: [.customShort("A"), .customLong("all-namespaces")],
        help: "Of all namespaces, which is the default: a node serves all.")
    var isEverywhere = false

    func validate() throws {
        guard self.namespace == nil || !self.isEverywhere else {
            throw ValidationError("--namespace and --all-namespaces cannot both be given")
        }
    }
}

struct OutputOptions: ParsableArguments {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table
        case wide
        case json
        case name
    }

    @Option(
        name: [.customShort("o"), .customLong("output")], help: ArgumentHelp("How it is shown.", valueName: "format"))
    var format = Format.table
}

/// Whom to ask.
struct ConnectionOptions: ParsableArguments {
    @Option(
        name: .customLong("admin-socket"),
        help: ArgumentHelp("The unix socket of the Fairlead to ask.", valueName: "path"))
    var adminSocket = AdminSocketOptions.defaultPath

    /// The body of an answer.
    func get(_ target: String) async throws(CommandFailure) -> [UInt8] {
        let reply: AdminClient.Reply
        do throws(AdminClientError) {
            reply = try await AdminClient.get(target, socket: self.adminSocket)
        } catch {
            throw .failed("\(error)")
        }
        if reply.status == 200 { return reply.body }
        let reason = APIFailure(json: reply.body)?.message ?? "status \(reply.status)"
        throw .failed("\(self.adminSocket): \(reason)")
    }
}
