import Foundation

/// Where things are in this repository, and which daemons the tests are about.
package enum Repository {
    package static let root = String(
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
            .standardizedFileURL.path(percentEncoded: false).dropLast())

    /// The daemon under test; the variable names another one, to try the tests themselves.
    package static let daemon =
        ProcessInfo.processInfo.environment["HOLDFAST_DAEMON_UNDER_TEST"]
        ?? product("holdfastd")

    /// Debian's own lock daemon, whose behaviour is the standard.
    package static let peer = "/usr/sbin/lvmlockd"

    /// The path of an executable that was built with the tests: it lies beside them.
    package static func product(_ name: String) -> String {
        let tests = Bundle.main.executablePath ?? CommandLine.arguments[0]
        var folder = URL(filePath: tests).deletingLastPathComponent()
        while folder.path != "/" {
            let product = folder.appending(path: name).path
            if FileManager.default.isExecutableFile(atPath: product) { return product }
            folder = folder.deletingLastPathComponent()
        }
        return "\(root)/.build/debug/\(name)"
    }

    /// Makes a folder with mode 0700 and a new name that begins like that.
    package static func makeTemporaryFolder(_ name: String) throws -> String {
        var template = Array("/tmp/\(name).XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw HarnessError.system("making a folder") }
        return String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// A folder, and a machine of its own in it, with a private /run, /dev, network and processes (see
/// `Tests/sandbox`). Lasts as long as the object, or the test's process.
package final class Sandbox {
    package let folder: String
    private let holder: Keeper
    private let pid: String

    /// Disk size as `truncate` takes it, or none; `names` appear in the sandbox's /dev/mapper.
    package init(disk: String = "", names: [String] = []) throws {
        let folder = try Repository.makeTemporaryFolder("holdfast")
        self.folder = folder
        let (ready, said) = try FileHandle.connectedPair()
        self.holder = try Keeper(
            Command(["\(Repository.root)/Tests/sandbox", folder, disk] + names),
            output: .descriptor(said.fileDescriptor))
        try said.close()
        let words = String(decoding: ready.availableData, as: UTF8.self)
            .split(whereSeparator: \.isWhitespace)
        guard words.count == 2, words[0] == "ready" else {
            throw HarnessError("the sandbox did not start; is this root?")
        }
        self.pid = String(words[1])
    }

    deinit {
        self.holder.end()
        try? FileManager.default.removeItem(atPath: self.folder)
    }

    /// The path outside of a path under the sandbox's /run.
    package func outside(_ path: String) -> String {
        self.folder + path
    }

    /// A command that will run inside, and die with whoever started it.
    package func command(_ words: [String], environment: [String: String] = [:]) -> Command {
        let variables = [
            "LVM_SYSTEM_DIR": "\(self.folder)/etc", "LVM_SUPPRESS_FD_WARNINGS": "1", "LC_ALL": "C",
        ]
        return Command(
            ["nsenter", "--target", self.pid, "--mount", "--net", "--pid", "--"]
                + ["setpriv", "--pdeathsig", "KILL", "--"] + words,
            environment: variables.merging(environment) { $1 })
    }
}
