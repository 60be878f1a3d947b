package import LockIDM

// The drive behind the bytes that a host sends, of either kind of drive.
extension EmulatedDrive {
    package mutating func answer(_ request: SCSIRequest, now: UInt64) -> SCSIAnswer {
        let command = SCSIEncoding.command(of: request)
        let answer = command.map { self.perform($0, now: now) } ?? .refused(.notUnderstood)
        return SCSIEncoding.encode(answer, to: request, page: self.countPage(now: now))
    }

    package mutating func answer(_ request: NVMeRequest, now: UInt64) -> NVMeAnswer {
        let command = NVMeEncoding.command(of: request)
        let answer = command.map { self.perform($0, now: now) } ?? .refused(.notUnderstood)
        return NVMeEncoding.encode(answer, to: request, page: self.countPage(now: now))
    }
}
