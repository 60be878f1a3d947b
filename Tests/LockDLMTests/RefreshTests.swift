import LockCore
import Synchronization
import Testing

@testable import LockDLM

/// Telling the other hosts of a volume's new size.
@Suite struct RefreshTests {
    private static func manager(_ control: DLMControl?) -> DLMLockManager {
        let world = SimulatedWorld()
        return DLMLockManager(
            calls: world.kernel.calls(1),
            files: ClusterFiles(folder: "/nonexistent", device: "/nonexistent"),
            watch: SimulatedDaemon().watch, control: control)
    }

    /// A run that is over when it has been asked about so often.
    private static func control(
        _ last: DLMControl.Progress, after checks: Int = 2,
        _ commands: AsyncStream<String>.Continuation? = nil,
        cancelled: @escaping @Sendable () -> Void = {}
    ) -> DLMControl {
        let left = Left(checks)
        return DLMControl(
            start: { command in
                commands?.yield(command)
                return .success("run")
            },
            check: { run in
                if run != "run" { return .failure(DLMFailure(.notFound)) }
                return .success(
                    left.count.wrappingSubtract(1, ordering: .relaxed).newValue > 0
                        ? .waiting : last)
            },
            cancel: { _ in cancelled() })
    }

    private final class Left: Sendable {
        let count: Atomic<Int>
        init(_ count: Int) { self.count = Atomic(count) }
    }

    @Test func `the other hosts reload the volume`() async throws {
        let (commands, sink) = AsyncStream.makeStream(of: String.self)
        try await Self.manager(Self.control(.done, after: 2, sink)).refresh(path: "/dev/vg0/lv-1")
        sink.finish()
        let all = await commands.reduce(into: []) { $0.append($1) }
        #expect(all == ["lvm lvchange --refresh --partial --nolocking vg0/lv-1"])
    }

    @Test func `a host that fails is an error`() async {
        let error = await #expect(throws: LockManagerError.self) {
            try await Self.manager(Self.control(.failed)).refresh(path: "/dev/vg0/lv-1")
        }
        #expect(error?.code == .managerFailed)
    }

    @Test func `who gives up takes the run back`() async {
        let (cancels, cancelled) = AsyncStream.makeStream(of: Void.self)
        let (commands, sink) = AsyncStream.makeStream(of: String.self)
        let control = Self.control(.done, after: .max, sink) { cancelled.yield() }
        let refresh = Task {
            try await Self.manager(control).refresh(path: "/dev/vg0/lv-1")
        }
        _ = await commands.first { _ in true }
        refresh.cancel()
        let error = await #expect(throws: LockManagerError.self) { try await refresh.value }
        #expect(error?.code == .ioTimedOut)
        cancelled.finish()
        #expect(await cancels.reduce(0) { count, _ in count + 1 } == 1)
    }

    @Test(
        arguments: [
            (1, .waiting), (5, .waiting), (2, .done), (6, .failed), (0, nil), (4, nil),
        ] as [(UInt32, DLMControl.Progress?)])
    func `a run that dlm_controld does not know is not waited for`(
        _ flags: UInt32, _ progress: DLMControl.Progress?
    ) {
        #expect(DLMControl.Progress(flags: flags) == progress)
    }

    @Test func `without libdlmcontrol it is not supported`() async {
        let error = await #expect(throws: LockManagerError.self) {
            try await Self.manager(nil).refresh(path: "/dev/vg0/lv-1")
        }
        #expect(error?.code == .notSupported)
    }

    @Test(arguments: [
        "/dev/vg0", "dev/vg0/lv", "/dev/vg0/lv;reboot", "/dev/vg0/-f", "/dev/vg0/lv 1", "/a/b/c/d",
    ])
    func `nothing but names goes into the command`(_ path: String) async {
        let error = await #expect(throws: LockManagerError.self) {
            try await Self.manager(Self.control(.done)).refresh(path: path)
        }
        #expect(error?.code == .invalidRequest)
    }
}
