#if Sanlock
import LockCore
import Testing

@testable import LockSanlock

/// The manager on a real sanlock daemon: one host. (Several hosts are several processes.)
@Suite(.serialized) struct SanlockTests {
    init() async throws {
        try await RealDaemon.shared.start()
    }

    @discardableResult
    func join(_ manager: SanlockLockManager, _ leases: LeaseFile) async throws -> Membership {
        try await manager.join(
            try await manager.prepare(leases.lockspace(), JoinOptions()), JoinOptions())
    }

    /// Asks until the answer is no longer that it is too early to tell.
    func settled<Answer: Settling>(
        _ ask: () async throws -> Answer
    ) async throws -> Answer {
        for _ in 0..<200 {
            let answer = try await ask()
            if answer.isSettled { return answer }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw RealDaemon.Failure(description: "never settled")
    }
}

/// An answer that can be "ask again".
protocol Settling {
    var isSettled: Bool { get }
}

extension OtherHosts: Settling {
    var isSettled: Bool { self != .unknown }
}

extension AcquireOutcome: Settling {
    var isSettled: Bool {
        if case .contended(let contention) = self { return !contention.isPassing }
        return true
    }

    /// The grant, or an error that says what came instead.
    var grant: Grant {
        get throws {
            guard case .granted(let grant) = self else {
                throw RealDaemon.Failure(description: "\(self)")
            }
            return grant
        }
    }
}

/// Expects an error of the lock manager with that code.
func expect(
    code: LockErrorCode, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> Void
) async {
    do {
        try await body()
        Issue.record("no error; expected \(code)", sourceLocation: sourceLocation)
    } catch let error as LockManagerError {
        #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
    } catch {
        Issue.record(error, sourceLocation: sourceLocation)
    }
}
#endif
