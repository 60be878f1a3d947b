#if DLM
internal import CDLM
internal import Glibc

/// What libdlm delivers, from its callbacks to the caller of `dlm_dispatch` on the same thread.
///
/// A callback gets a number and no context; the list that it adds to is on the caller's stack,
/// and known to the thread for as long as the call lasts.
enum Deliveries {
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        let status = pthread_key_create(&key, nil)
        precondition(status == 0, "no thread-specific keys are left")
        return key
    }()

    /// An `astaddr`.
    static let completed: @convention(c) (UnsafeMutableRawPointer?) -> Void = { argument in
        Deliveries.add(DLMDelivery(lock: UInt(bitPattern: argument), isBlocking: false))
    }

    /// A `bastaddr`.
    static let blocking: @convention(c) (UnsafeMutableRawPointer?) -> Void = { argument in
        Deliveries.add(DLMDelivery(lock: UInt(bitPattern: argument), isBlocking: true))
    }

    /// Everything that libdlm delivers during the call.
    static func collect(_ dispatch: () -> Void) -> [DLMDelivery] {
        var list: [DLMDelivery] = []
        withUnsafeMutablePointer(to: &list) { list in
            pthread_setspecific(Self.key, list)
            dispatch()
            pthread_setspecific(Self.key, nil)
        }
        return list
    }

    private static func add(_ delivery: DLMDelivery) {
        pthread_getspecific(Self.key)?.assumingMemoryBound(to: [DLMDelivery].self)
            .pointee.append(delivery)
    }
}
#endif
