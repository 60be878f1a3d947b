import DaemonHarness
import Foundation
import Testing

/// What a newcomer runs first.
@Suite struct QuickstartTests {
    @Test func `the quickstart shows the take-over, twice in a row, and leaves nothing behind`()
        async throws
    {
        for _ in 1...2 {
            let (status, output) = try await onOwnThread { try runQuickstart() }
            #expect(status == 0, "\(output)")
            #expect(output.contains("LV locked by other host: shared/data"), "\(output)")
            #expect(output.contains("Volume group \"shared\" successfully removed"), "\(output)")
            #expect(!FileManager.default.fileExists(atPath: "/run/lvmlockd.pid"))
        }
    }

    @Test func `the quickstart refuses to start beside another lock daemon`() async throws {
        let result = try await onOwnThread {
            let sandbox = try Sandbox()
            try "".write(
                toFile: sandbox.outside("/run/lvmlockd.pid"), atomically: false, encoding: .utf8)
            let command = sandbox.command(["\(Repository.root)/Examples/quickstart", "/bin/false"])
            return try command.runToEnd()
        }
        #expect(result.status == 1)
        #expect(result.output.contains("/run/lvmlockd.pid exists"), "\(result.output)")
    }
}

private func runQuickstart() throws -> (status: Int32, output: String) {
    try Command(["\(Repository.root)/Examples/quickstart", Repository.daemon]).runToEnd()
}
