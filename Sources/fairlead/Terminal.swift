internal import ArgumentParser
internal import Glibc
internal import Linux

/// How a command ends.
enum Terminal {
    static func fail(_ failure: CommandFailure) -> Never {
        StandardError.write("fairlead: \(failure)\n")
        Glibc.exit(failure.exitCode)
    }

    /// What the argument parser threw: help and version are no errors, anything else is wrong usage.
    static func exit(parsing error: any Error, of command: any ParsableCommand.Type) -> Never {
        let text = command.fullMessage(for: error)
        if command.exitCode(for: error) == .success {
            print(text)
            Glibc.exit(0)
        }
        if !text.isEmpty { StandardError.write("\(text)\n") }
        Glibc.exit(command.exitCode(for: error) == .validationFailure ? 2 : 1)
    }
}
