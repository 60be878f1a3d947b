internal import Glibc
internal import LockIDM

/// Runs it on a thread of its own, for blocking work without an end.
func startThread(_ body: @escaping @Sendable () -> Void) {
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Box(body))
    let status = pthread_create(
        &thread, nil,
        { pointer in
            guard let pointer else { return nil }
            Unmanaged<Box>.fromOpaque(pointer).takeRetainedValue().body()
            return nil
        }, box.toOpaque())
    guard status == 0 else {
        box.release()
        return
    }
    pthread_detach(thread)
}

/// Blocks the thread.
func blockThread(for duration: Duration) {
    guard duration > .zero else { return }
    usleep(UInt32(clamping: duration.milliseconds * 1000 + duration.microsecondsPart))
}

extension Duration {
    fileprivate var microsecondsPart: Int64 {
        self.components.attoseconds / 1_000_000_000_000 % 1000
    }
}
