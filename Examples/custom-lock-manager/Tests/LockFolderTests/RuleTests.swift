import Foundation
import LockFolder
import LockTesting
import Testing

/// Every rule that applies to a lock manager on a folder, with three hosts that share one.
@Suite struct RuleTests {
    @Test(arguments: LockManagerRule.all)
    func `is kept`(_ rule: LockManagerRule) async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/holdfast-\(UUID())"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }

        let hosts = LocalHosts(count: 3) { _ in FolderLockManager(folder: folder) }
        let report = await rule.check(on: hosts)
        #expect(report.outcome != .broken, "\(report)")
        print(report)
    }
}
