#if Sanlock
import DaemonHarness
import Foundation
import Testing

@testable import LockSanlock

@Suite struct KillPathTests {
    @Test func `what the helper reports is heard once it ends well`() async throws {
        let (notices, heard) = AsyncStream<KillNotice>.makeStream()
        let socket = KillSocket { heard.yield($0) }
        let address = try await socket.listen()
        #expect(try await socket.listen() == address)
        let arguments = address.arguments("lvm_vg0", membership: 7)
        // SANLK_HELPER_ARGS_LEN, with the longest lockspace and membership.
        let longest = address.arguments(
            String(repeating: "x", count: 48), membership: .max)
        #expect(longest.utf8.count < 128)
        #expect(try runHelper(arguments) == 0)
        heard.finish()
        var all: [KillNotice] = []
        for await notice in notices { all.append(notice) }
        #expect(
            all == [KillNotice(lockspace: "lvm_vg0", membership: 7, secret: address.secret)])
    }

    @Test func `whoever does not know the secret is not listened to`() async throws {
        let socket = KillSocket { notice in Issue.record("heard \(notice)") }
        let address = try await socket.listen()
        #expect(try runHelper("\(address.name) lvm_vg0 7 \(address.secret ^ 1)") == 1)
        #expect(try runHelper("\(address.name) lvm_vg0") == 1)
    }

    @Test func `a helper whose process is gone fails`() throws {
        #expect(try runHelper("hf-sanlock.0.gone lvm_vg0 7 0") == 1)
        #expect(try runHelper("") == 1)
    }

    private func runHelper(_ arguments: String) throws -> Int32 {
        let words = arguments.split(separator: " ").map(String.init)
        return try Command([Repository.product("holdfast-sanlock-kill")] + words).runToEnd().status
    }
}
#endif
