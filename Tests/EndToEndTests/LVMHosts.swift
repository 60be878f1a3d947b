import DaemonHarness

/// Hosts that are daemons in one sandbox, and real commands that speak to one or another of them.
protocol LVMHosts {
    var sandbox: Sandbox { get }

    /// Where a host's daemon listens, inside the sandbox.
    static func socket(_ host: Int) -> String
}

extension LVMHosts {
    /// The command must succeed, and say this among other things.
    func expect(_ host: Int, _ command: String, says text: String = "") throws {
        try self.run(host, command, endsWith: 0, says: text)
    }

    /// The command must fail, and say why.
    func expect(_ host: Int, _ command: String, refusedWith text: String) throws {
        try self.run(host, command, endsWith: 5, says: text)
    }

    private func run(
        _ host: Int, _ command: String, endsWith wanted: Int32, says text: String
    ) throws {
        let words = command.split(separator: " ").map(String.init)
        let (status, output) = try self.sandbox.command(
            ["lvm"] + words + ["--driverloaded", "n"],
            environment: ["LVM_LVMLOCKD_SOCKET": Self.socket(host)]
        ).runToEnd()
        // Thrown, not expected: this is not the test's own thread.
        guard status == wanted, text.isEmpty || output.contains(text) else {
            throw HarnessError("host \(host): \(command): status \(status), \(output)")
        }
    }
}
