#if Sanlock
/// A volume group's lease for the global lock tells by its name whether the group carries it.
enum GlobalLockName {
    /// It does.
    static let enabled = "GLLK"
    /// It does not (lvmlockd's `R_NAME_GL_DISABLED`).
    static let disabled = "_GLLK_disabled"

    static func isDisabled(_ name: String) -> Bool { name == Self.disabled }
}
#endif
