import CSanlockClient
import Glibc
import LoadGenerator

/// What a thread came to: the nanoseconds of each of its calls, and what ended it early.
struct ThreadResult: Sendable {
    var calls: [UInt64] = []
    var error: String?
}

/// One thread's work: a connection to sanlock, and the leases it goes through.
struct LeaseCaller: Sendable {
    let volume: LeaseVolume
    let leases: Range<Int>

    /// Acquires and releases until the window ends; calls that end in it count.
    func run(in window: Range<UInt64>) -> ThreadResult {
        let socket = sanlock_register()
        guard socket >= 0 else { return ThreadResult(error: "register: \(socket)") }
        defer { close(socket) }
        let resources = self.leases.map(self.volume.resource)
        defer { resources.forEach { $0.deallocate() } }
        var result = ThreadResult()
        while result.error == nil, now() < window.upperBound {
            for resource in resources where result.error == nil {
                Self.time("acquire", in: window, &result) { Self.acquire(resource, socket) }
                Self.time("release", in: window, &result) { Self.release(resource, socket) }
            }
        }
        return result
    }

    private static func time(
        _ name: String, in window: Range<UInt64>, _ result: inout ThreadResult,
        _ call: () -> Int32
    ) {
        guard result.error == nil else { return }
        let start = now()
        let status = call()
        let end = now()
        if window.contains(end) { result.calls.append(end - start) }
        if status < 0 { result.error = "\(name): \(status)" }
    }

    private static func acquire(
        _ resource: UnsafeMutablePointer<sanlk_resource>, _ socket: Int32
    ) -> Int32 {
        var argument: UnsafeMutablePointer<sanlk_resource>? = resource
        return sanlock_acquire(socket, -1, 0, 1, &argument, nil)
    }

    private static func release(
        _ resource: UnsafeMutablePointer<sanlk_resource>, _ socket: Int32
    ) -> Int32 {
        var argument: UnsafeMutablePointer<sanlk_resource>? = resource
        return sanlock_release(socket, -1, 0, 1, &argument)
    }
}
