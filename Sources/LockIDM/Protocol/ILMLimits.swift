/// The sizes and limits of the IDM lock manager's socket protocol.
public enum ILMLimits {
    /// The socket, where `ILM_RUN_DIR` names no other folder.
    public static let defaultSocketPath = "/run/seagate_ilm/main.sock"
    /// Drives of one lock. The manager takes 512 (`ILM_DRIVE_MAX_NUM`); lvmlockd stops one short,
    /// and hosts of both kinds should agree.
    public static let drives = 511
    /// Bytes of a drive's path with the NUL behind it (`PATH_MAX`).
    public static let pathField = 4096
    /// Bytes of the kill path, and of its arguments, with the NUL behind them.
    public static let killField = 128
    /// Bytes of a value block. The highest is lost on its way through the drives.
    public static let valueBlock = 8
}
