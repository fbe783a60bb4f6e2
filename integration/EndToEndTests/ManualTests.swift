import Lab
import Linux
import Testing

extension EndToEnd {
    /// Man pages and completions, as `make manuals` makes them.
    @Suite struct ManualTests {
        private static let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
        private static let commands = [
            "check", "cleanup", "get", "get.certificates", "get.endpoints", "get.frontends", "get.nodes",
            "get.problems",
            "get.routes", "get.services", "ingress", "node", "render", "run", "trace",
        ]

        /// What the words of a command line so far go on with, by bash.
        private static func completions(_ host: Host, _ folder: String, _ words: String...) throws -> [Substring] {
            let line = words.joined(separator: " ")
            let quoted = words.map { "'\($0)'" }.joined(separator: " ")
            let script = """
                source \(folder)/completions/fairlead.bash
                COMP_WORDS=(\(quoted)); COMP_CWORD=\(words.count - 1); COMP_LINE='\(line)'; COMP_POINT=${#COMP_LINE}
                _fairlead fairlead '\(words[words.count - 1])' '\(words[words.count - 2])'
                printf '%s\\n' "${COMPREPLY[@]}"
                """
            let completion = try host.execute(["bash", "-c", script])
            #expect(completion.succeeded && completion.errorOutput == "", "\(completion)")
            return completion.output.split(separator: "\n")
        }

        @Test func `a page for each command with all its options, and words that bash goes on with`() throws {
            let sandbox = try Sandbox()
            defer { sandbox.tearDown() }
            let host = sandbox.host
            let manifests = try ManifestFolder()
            defer { _ = try? host.shell("rm -rf \(manifests.path)") }
            let (program, folder) = (try FairleadProcess.locate(), "\(manifests.path)/share")
            // `.ci/test` and `.ci/sanitize` build it: tests depend on none of it.
            let generator = "\(Self.root)/.build/generate-manual"
            let made = try host.execute(
                ["\(Self.root)/.ci/manuals", program, generator, folder], timeout: .seconds(60))
            try #require(made.succeeded, "\(made)")
            let pages = try host.shell("ls \(folder)/man/man1").split(separator: "\n").map(String.init)
            #expect(pages == ["fairlead.1"] + Self.commands.map { "fairlead.\($0).1" })
            for command in Self.commands {
                let page = try host.shell("cat \(folder)/man/man1/fairlead.\(command).1")
                let help = try host.execute([program] + command.split(separator: ".").map(String.init) + ["--help"])
                    .output
                let options = help.matches(of: /(?m)^  (?:-[a-zA-Z], )?--([a-z-]+)/).map { String($0.1) }
                #expect(options.contains("help"), "\(command)")
                for option in options where option != "help" && option != "version" {
                    // Dashes are escaped, and a flag of one letter more has a line of its own.
                    #expect(page.replacing("\\", with: "").contains("-\(option)"), "\(command): --\(option)")
                }
            }

            #expect(try Self.completions(host, folder, "fairlead", "get", "se") == ["services"])
            #expect(try Self.completions(host, folder, "fairlead", "tr") == ["trace"])
            #expect(
                try Self.completions(host, folder, "fairlead", "get", "services", "-o", "")
                    == ["table", "wide", "json", "yaml", "name"])
            #expect(try Self.completions(host, folder, "fairlead", "node", "--manif") == ["--manifests"])
            for shell in ["zsh", "fish"] {
                let script = try host.shell("cat \(folder)/completions/fairlead.\(shell)")
                for command in Self.commands { #expect(script.contains(command.split(separator: ".").last ?? "")) }
            }
        }
    }
}
