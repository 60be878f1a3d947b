#if DLM
internal import CDLM
internal import Glibc

extension DLMCalls {
    /// libdlm's own.
    static let live = DLMCalls(
        kernelVersion: {
            var version = (major: UInt32(0), minor: UInt32(0), patch: UInt32(0))
            guard dlm_kernel_version(&version.major, &version.minor, &version.patch) == 0
            else { return .failure(.last) }
            return .success(
                DLMKernelVersion(
                    major: version.major, minor: version.minor, patch: version.patch))
        },
        create: { name in
            Self.opening(dlm_new_lockspace(name, 0o600, UInt32(DLM_LSFL_NEWEXCL)))
        },
        open: { name in Self.opening(dlm_open_lockspace(name)) },
        release: { name, lockspace in
            dlm_release_lockspace(name, lockspace.handle, 1) == 0
                ? .success : DLMFailure.last.status
        },
        close: { lockspace in _ = dlm_close_lockspace(lockspace.handle) },
        descriptor: { lockspace in dlm_ls_get_fd(lockspace.handle) },
        makeBlock: { BlockMemory.allocate() },
        freeBlock: { block in BlockMemory.at(block).deallocate() },
        read: { block in BlockMemory.at(block).pointee.completion },
        ask: { lockspace, block, request in
            Self.ask(lockspace, BlockMemory.at(block), request)
        },
        cancel: { lockspace, block in
            // As `dlm_ls_unlock` with `LKF_CANCEL`, which would write into the block while
            // the answer is being delivered to it.
            let lock = BlockMemory.at(block).pointee.status.sb_lkid
            let outcome = dlm_ls_deadlock_cancel(lockspace.handle, lock, UInt32(LKF_CANCEL))
            return outcome < 0 ? DLMFailure.last.status : .success
        },
        purge: { lockspace in
            // Node and process 0: all orphans of this node.
            dlm_ls_purge(lockspace.handle, 0, 0) == 0 ? .success : DLMFailure.last.status
        },
        deliver: { lockspace, block in
            Deliveries.read(from: dlm_ls_get_fd(lockspace.handle), into: block)
        })

    private static func opening(_ handle: dlm_lshandle_t?) -> Opening {
        guard let handle else { return .failure(.last) }
        let descriptor = dlm_ls_get_fd(handle)
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        return .success(DLMLockspaceID(rawValue: UInt(bitPattern: handle)))
    }

    private static func ask(
        _ lockspace: DLMLockspaceID, _ block: UnsafeMutablePointer<BlockMemory>,
        _ request: DLMRequest
    ) -> DLMStatus {
        let status = BlockMemory.status(of: block)
        let argument = UnsafeMutableRawPointer(bitPattern: request.lock)
        let name = Array(request.name.utf8)
        var outcome: Int32
        switch request.operation {
        case .request:
            outcome = dlm_ls_lock(
                lockspace.handle, DLMMode.null.rawValue, status,
                UInt32(LKF_EXPEDITE | LKF_VALBLK), name, UInt32(name.count), 0,
                Deliveries.callback, argument, Deliveries.callback, nil)
        case .convert(let conversion):
            block.pointee.prepare(conversion)
            outcome = dlm_ls_lock(
                lockspace.handle, conversion.to.rawValue, status, conversion.flags, name, 0,
                0, Deliveries.callback, argument, Deliveries.callback, nil)
        case .unlock:
            outcome = dlm_ls_unlock(
                lockspace.handle, block.pointee.status.sb_lkid, 0, status, argument)
        case .adopt(let mode):
            outcome = dlm_ls_lockx(
                lockspace.handle, mode.rawValue, status,
                UInt32(LKF_PERSISTENT | LKF_ORPHAN | LKF_VALBLK), name, UInt32(name.count),
                0, Deliveries.callback, argument, Deliveries.callback, nil, nil)
        }
        return outcome < 0 ? DLMFailure.last.status : .success
    }
}

extension DLMConversion {
    /// As lvmlockd's, so that both treat each other's locks alike; but nobody overtakes those
    /// who wait (`LKF_QUECVT`, which the kernel knows for steps up from null only).
    fileprivate var flags: UInt32 {
        var flags = LKF_CONVERT
        // The lock of an ended process goes on protecting what it was acquired for.
        if self.to != .null { flags |= LKF_PERSISTENT }
        if self.to != .null && !self.waits { flags |= LKF_NOQUEUE }
        if self.from == .null && self.to != .null { flags |= LKF_QUECVT }
        if self.carriesValue { flags |= LKF_VALBLK }
        return UInt32(bitPattern: flags)
    }
}

extension DLMFailure {
    /// What the last call on this thread complained of. Not all that fails sets a number.
    fileprivate static var last: DLMFailure {
        DLMFailure(DLMStatus(rawValue: errno == 0 ? EIO : errno))
    }
}

extension DLMLockspaceID {
    fileprivate var handle: dlm_lshandle_t? { dlm_lshandle_t(bitPattern: self.rawValue) }
}
#endif
