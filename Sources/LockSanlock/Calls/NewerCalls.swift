#if Sanlock
import CSanlock
import Glibc

/// Functions that libsanlock_client 3 does not have: they are looked up in the library that this
/// process has loaded, so that one program serves all.
enum NewerCalls {
    private typealias InitLockspaceHost =
        @convention(c) (
            UnsafeMutablePointer<sanlk_lockspace>?, UnsafeMutablePointer<CChar>?, UInt64, UInt64,
            UInt32, UInt32
        ) -> Int32
    private typealias SetHost =
        @convention(c) (
            UnsafeMutablePointer<sanlk_lockspace>?, UInt32, UInt32, UInt32,
            UnsafeMutableRawPointer?
        ) -> Int32

    /// `sanlock_init_lockspace_host`
    static let writeHostLease: SanlockCalls.WriteHostLease? = {
        guard let symbol = dlsym(nil, "sanlock_init_lockspace_host") else { return nil }
        let initialise = unsafeBitCast(symbol, to: InitLockspaceHost.self)
        return { record, generation, flags, ioTimeout throws(SanlockStatus) in
            var lockspace = sanlk_lockspace(record)
            // Without a name the daemon's own, and with time stamp 0 the host is not a member.
            try check(initialise(&lockspace, nil, generation, 0, flags.rawValue, ioTimeout))
        }
    }()

    /// `sanlock_set_host` with `SANLK_SET_HOST_DEAD_EXT`
    static let setHostDead: SanlockCalls.SetHostDead? = {
        guard let symbol = dlsym(nil, "sanlock_set_host") else { return nil }
        let set = unsafeBitCast(symbol, to: SetHost.self)
        let deadExternally: UInt32 = 1
        return { record, id, generation throws(SanlockStatus) in
            var lockspace = sanlk_lockspace(record)
            var host = sanlk_host()
            host.host_id = id
            host.generation = generation
            try check(set(&lockspace, deadExternally, 0, 0, &host))
        }
    }()
}
#endif
