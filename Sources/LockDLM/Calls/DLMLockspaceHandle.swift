/// An open lockspace. It is closed with its last owner, or handed over to be released.
struct DLMLockspaceHandle: ~Copyable, Sendable {
    let id: DLMLockspaceID
    private let calls: DLMCalls
    private var isOwned = true

    init(_ id: DLMLockspaceID, _ calls: DLMCalls) {
        self.id = id
        self.calls = calls
    }

    /// The caller sees to its end.
    consuming func surrender() -> DLMLockspaceID {
        self.isOwned = false
        return self.id
    }

    deinit {
        if self.isOwned { self.calls.close(self.id) }
    }
}
