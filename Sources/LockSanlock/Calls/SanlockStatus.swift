#if Sanlock
    import CSanlock
    import Glibc
    import LockCore

    /// A negative result of libsanlock: one of sanlock's own (`SANLK_`, -200 and below) or the
    /// negative of an errno value.
    struct SanlockStatus: RawRepresentable, Hashable, Error {
        let rawValue: Int32

        init(rawValue: Int32) {
            self.rawValue = rawValue
        }

        /// The status that stands for an errno value.
        static func errno(_ value: Int32) -> SanlockStatus { SanlockStatus(rawValue: -value) }
    }
#endif
