#if Sanlock
    public import LockCore

    extension SanlockLockManager {
        public func initialise(
            _ request: VolumeGroupRequest
        ) async throws(LockManagerError) -> VolumeGroupArguments {
            throw LockManagerError(.notSupported, doing: "initialise \(request.volumeGroup)")
        }
    }
#endif
