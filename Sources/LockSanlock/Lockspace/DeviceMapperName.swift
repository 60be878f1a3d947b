#if Sanlock
/// The name that device-mapper gives a logical volume: volume group and volume, joined by a
/// hyphen, with every hyphen inside them doubled (`dm_build_dm_name`).
enum DeviceMapperName {
    static func path(volumeGroup: String, volume: String) -> String {
        "/dev/mapper/\(Self.escaped(volumeGroup))-\(Self.escaped(volume))"
    }

    private static func escaped(_ name: String) -> String {
        name.split(separator: "-", omittingEmptySubsequences: false).joined(separator: "--")
    }
}
#endif
