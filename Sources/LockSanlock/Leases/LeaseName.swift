#if Sanlock
/// Names that tell on disk what a lease is for, beside those of the global lock
/// (``GlobalLockName``). They are lvmlockd's, so that its hosts and Holdfast's can share a
/// volume group.
enum LeaseName {
    /// A lease that no logical volume uses.
    static let unused = "#unused"
    /// The volume group's own lock (`R_NAME_VG`).
    static let volumeGroupLock = "VGLK"
}
#endif
