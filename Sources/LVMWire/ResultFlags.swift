public import LockCore

extension Reply.Notes {
    /// The notes as `result_flags`, with every comma where upstream puts it; empty for none.
    ///
    /// Upstream ends each flag with a comma, save the forms for hosts where no lock type is in use.
    /// Clients look for the words anywhere in the text.
    func appendFlags(to bytes: inout [UInt8]) {
        if self.contains(.noLockspaces) { bytes.append("NO_LOCKSPACES,") }
        if !self.isDisjoint(with: [.noManagerInUse, .noManager]) {
            bytes.append(self.contains(.noManager) ? "NO_GL_LS,NO_LM" : "NO_GL_LS")
            // Upstream would run into the next flag here.
            if !self.isDisjoint(with: Self.followingFlags) { bytes.append(",") }
        } else if self.contains(.noGlobalLock) {
            bytes.append("NO_GL_LS,")
        }
        if self.contains(.duplicateGlobalLock) { bytes.append("DUP_GL_LS,") }
        if self.contains(.globalLockRemoved) { bytes.append("WARN_GL_REMOVED,") }
        if self.contains(.sharedLockExists) { bytes.append("SH_EXISTS,") }
        if self.contains(.hostsUnknown) { bytes.append("HOSTS_UNKNOWN,") }
    }

    private static let followingFlags: Reply.Notes = [
        .duplicateGlobalLock, .globalLockRemoved, .sharedLockExists, .hostsUnknown,
    ]

    /// The notes that a text of flags stands for; for clients. The same flag means the same with a
    /// comma and without, but for `NO_GL_LS` at the end, which says that no lock type is in use.
    public init(flags text: String) {
        self = []
        let words = text.split(separator: ",", omittingEmptySubsequences: false)
        if words.contains("NO_LOCKSPACES") { self.insert(.noLockspaces) }
        if words.contains("NO_GL_LS") { self.insert(.noGlobalLock) }
        if words.last == "NO_GL_LS" { self.insert(.noManagerInUse) }
        if words.contains("NO_LM") { self.formUnion([.noManagerInUse, .noManager]) }
        if words.contains("DUP_GL_LS") { self.insert(.duplicateGlobalLock) }
        if words.contains("WARN_GL_REMOVED") { self.insert(.globalLockRemoved) }
        if words.contains("SH_EXISTS") { self.insert(.sharedLockExists) }
        if words.contains("HOSTS_UNKNOWN") { self.insert(.hostsUnknown) }
    }
}
