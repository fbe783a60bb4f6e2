internal import Admin
internal import AdminAPI
internal import ArgumentParser
internal import Glibc
internal import KubernetesAPI
internal import Linux

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

struct SelectorOptions: ParsableArguments {
    @Option(
        name: [.customShort("l"), .customLong("selector")],
        help: ArgumentHelp(
            "Of what has these labels only: app=web,tier!=cache,zone in (a,b),!canary. Routes go by their Ingress.",
            valueName: "labels"))
    var selector: String?

    func parsed() throws(CommandFailure) -> LabelSelector? {
        // An empty one is everything, as kubectl has it: scripts pass a variable.
        guard let selector, selector.contains(where: { !$0.isWhitespace }) else { return nil }
        do throws(LabelSelector.Problem) {
            return try LabelSelector(selector)
        } catch {
            throw .usage("--selector: \(error)")
        }
    }
}

/// How a list is shown, and whom it comes from.
struct DisplayOptions: ParsableArguments {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table
        case wide
        case json
        case yaml
        case name
    }

    /// How often it is asked again.
    private static let interval = Duration.seconds(1)

    @Option(
        name: [.customShort("o"), .customLong("output")], help: ArgumentHelp("How it is shown.", valueName: "format"))
    var format = Format.table

    @Flag(
        name: [.customShort("w"), .customLong("watch")],
        help: "Go on: each second what is new or different, until it is interrupted.")
    var isWatching = false

    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard !self.isWatching || ![.json, .yaml].contains(self.format) else {
            throw ValidationError("--watch follows lines: table, wide or name")
        }
    }

    /// - Parameter text: what an answer becomes; nil: there is nothing in it.
    func show(
        _ query: ObjectQuery, of what: String, from role: AdminSocketOptions.DefaultPath,
        text: ([UInt8], Format) throws(APIFailure) -> String?
    ) async throws {
        var known: Set<[Substring]> = []
        while true {
            let body = try await self.connection.get(query.target, from: role)
            if self.format == .json { return print(String(decoding: body, as: UTF8.self)) }
            if self.format == .yaml {
                let text = try self.connection.reading { () throws(APIFailure) in try YAMLText.text(json: body) }
                return print(text, terminator: "")
            }
            let text = try self.connection.reading { () throws(APIFailure) in try text(body, self.format) }
            guard self.isWatching else {
                guard let text else { return StandardError.write("No \(what) found.\n") }
                return print(text, terminator: "")
            }
            // Columns may be wider now; that is no news.
            let lines = (text ?? "").split(separator: "\n").map { ($0, $0.split(separator: " ")) }
            for (line, words) in lines where !known.contains(words) { print(line) }
            // All streams: who reads this by a pipe is to have it now.
            fflush(nil)
            known = Set(lines.map(\.1))
            // Whoever follows a list reads a line at a time, and each question costs the asked one a list.
            try await Task.sleep(for: Self.interval)
        }
    }

    /// Services of the first page, and how many times larger each is than the one before, up to a bound: what has come is shown while the
    /// next is on its way, and each page costs the asked one something that does not depend on its size.
    private static let pages = (first: 500, growth: 4, most: 8000)

    /// Of the node role.
    func show<List: PagedList>(_ type: List.Type, _ query: ObjectQuery, of what: String) async throws {
        guard !self.isWatching, [.table, .wide, .name].contains(self.format) else {
            return try await self.show(query, of: what, from: .node) { (body, format) throws(APIFailure) in
                let list = try List(json: body)
                if let warning = list.warning { StandardError.write("\(warning)\n") }
                guard !list.isEmpty else { return nil }
                return format == .name
                    ? list.names : list.text(isWide: format == .wide, now: WallTime.now.unixNanoseconds)
            }
        }
        let isWide = self.format == .wide
        var table = List.table(isWide: isWide)
        var hasAny = false
        var size = Self.pages.first
        var page: Task<[UInt8], any Error>? = self.page(query, ListPage(limit: size))
        while let body = try await page?.value {
            size = min(size * Self.pages.growth, Self.pages.most)
            page = ListPage.next(in: body).map { self.page(query, ListPage(limit: size, after: $0)) }
            let list = try self.connection.reading { () throws(APIFailure) in try List(json: body) }
            // Behind the list: what is on its way to the same terminal goes first.
            defer { if let warning = list.warning { StandardError.write("\(warning)\n") } }
            guard !list.isEmpty else { continue }
            hasAny = true
            if self.format == .name {
                print(list.names, terminator: "")
            } else {
                list.append(to: &table, isWide: isWide, now: WallTime.now.unixNanoseconds)
                print(table.take(), terminator: "")
            }
            // Nobody reads any more: what is left would be work for nobody.
            guard fflush(nil) == 0 else { return }
        }
        if !hasAny { StandardError.write("No \(what) found.\n") }
    }

    /// A page that is on its way.
    private func page(_ query: ObjectQuery, _ page: ListPage) -> Task<[UInt8], any Error> {
        var query = query
        query.page = page
        let (target, connection) = (query.target, self.connection)
        return Task { try await connection.get(target, from: .node) }
    }

    func show<Item: ListItem>(
        _ type: Item.Type, _ query: ObjectQuery, of what: String, from role: AdminSocketOptions.DefaultPath = .ingress
    ) async throws {
        try await self.show(query, of: what, from: role) { (body, format) throws(APIFailure) in
            let items = try Item.list(json: body)
            guard !items.isEmpty else { return nil }
            return format == .name
                ? items.map { "\($0.name)\n" }.joined() : Item.table(items, isWide: format == .wide)
        }
    }
}

/// Whom to ask.
struct ConnectionOptions: ParsableArguments {
    @Option(
        name: .customLong("admin-socket"),
        help: ArgumentHelp(
            """
            The unix socket of the Fairlead to ask. Default: \(AdminSocketOptions.DefaultPath.node.rawValue); for what the ingress role \
            knows \(AdminSocketOptions.DefaultPath.ingress.rawValue), if that is there.
            """, valueName: "path"))
    var adminSocket: String?

    /// What an answer says.
    func reading<List>(_ body: () throws(APIFailure) -> List) throws(CommandFailure) -> List {
        do throws(APIFailure) {
            return try body()
        } catch {
            throw .failed("\(error). It may be of another version of Fairlead")
        }
    }

    /// The body of an answer.
    func get(_ target: String, from role: AdminSocketOptions.DefaultPath) async throws(CommandFailure) -> [UInt8] {
        let path = self.path(role)
        let reply: AdminClient.Reply
        do throws(AdminClientError) {
            reply = try await AdminClient.get(target, socket: path)
        } catch {
            throw .failed("\(error)")
        }
        if reply.status == 200 { return reply.body }
        let reason = APIFailure(json: reply.body)?.message ?? "status \(reply.status)"
        throw .failed("\(path): \(reason)")
    }

    /// Who has both roles answers for both at the node's.
    private func path(_ role: AdminSocketOptions.DefaultPath) -> String {
        if let adminSocket { return adminSocket }
        let own = AdminSocketOptions.DefaultPath.ingress.rawValue
        let isThere = unsafe access(own, F_OK) == 0
        return role == .ingress && isThere ? own : AdminSocketOptions.DefaultPath.node.rawValue
    }
}
