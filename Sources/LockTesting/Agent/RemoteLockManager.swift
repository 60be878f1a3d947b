public import LockCore

/// A lock manager that lives at the other end of a stream, where an ``AgentServer`` serves it.
///
/// If the stream ends, calls fail with ``LockErrorCode/managerUnavailable`` and an unknown hold,
/// and the events end.
public struct RemoteLockManager: LockManager {
    /// What the agent said.
    public let kind: LockManagerKind
    /// What the agent said.
    public let capabilities: LockManagerCapabilities
    /// Those of the agent's manager.
    public let events: AsyncStream<LockManagerEvent>
    private let session: AgentSession

    /// Begins the conversation. Returns when the agent has answered.
    public init(over stream: AgentStream) async throws(FixtureError) {
        let (events, reports) = AsyncStream.makeStream(of: LockManagerEvent.self)
        let conversation = AgentConversation(stream, reports)
        self.session = AgentSession(conversation, stream)
        self.events = events
        let doing = "talk to an agent"
        guard let welcome = await conversation.begin() else {
            throw FixtureError(doing, "it does not answer as one")
        }
        guard welcome.version == AgentMessage.version else {
            throw FixtureError(
                doing,
                "it speaks version \(welcome.version), not \(AgentMessage.version)")
        }
        (self.kind, self.capabilities) = (welcome.kind, welcome.capabilities)
    }

    /// What the agent's manager says; false if the agent is gone.
    public func isRunning() async -> Bool {
        // A manager that cannot be asked is not up.
        (try? await self.ask(.isRunning, "is it running?", as: Bool.self)) ?? false
    }

    /// Asks the agent.
    public func initialise(
        _ request: VolumeGroupRequest
    ) async throws(LockManagerError) -> VolumeGroupArguments {
        try await self.ask(.initialise(request), "initialise \(request.volumeGroup)")
    }

    /// Asks the agent.
    public func prepare(
        _ lockspace: Lockspace, _ options: JoinOptions
    ) async throws(LockManagerError) -> Prepared {
        try await self.ask(.prepare(lockspace, options), "prepare \(lockspace.id)")
    }

    /// Asks the agent.
    public func join(
        _ prepared: Prepared, _ options: JoinOptions
    ) async throws(LockManagerError) -> Membership {
        try await self.ask(.join(prepared, options), "join \(prepared.lockspace.id)")
    }

    /// Asks the agent.
    public func leave(
        _ lockspace: Lockspace.ID, _ reason: LeaveReason
    ) async throws(LockManagerError) {
        let _: Done = try await self.ask(.leave(lockspace, reason), "leave \(lockspace)")
    }

    /// Asks the agent.
    public func otherHosts(
        in lockspace: Lockspace.ID
    ) async throws(LockManagerError) -> OtherHosts {
        try await self.ask(.otherHosts(lockspace), "list the hosts of \(lockspace)")
    }

    /// Asks the agent.
    public func localHost(in lockspace: Lockspace.ID) async throws(LockManagerError) -> Host? {
        try await self.ask(.localHost(lockspace), "list the hosts of \(lockspace)")
    }

    /// Asks the agent.
    public func leftBehind() async throws(LockManagerError) -> [Lockspace.ID] {
        try await self.ask(.leftBehind, "list the lockspaces left behind")
    }

    /// Asks the agent. A task that is cancelled goes on waiting for the answer.
    public func acquire(
        _ resource: Resource, _ mode: LockMode, _ options: AcquireOptions
    ) async throws(LockManagerError) -> AcquireOutcome {
        try await self.ask(.acquire(resource, mode, options), "acquire", resource.id)
    }

    /// Asks the agent.
    public func cancelAcquire(_ resource: Resource.ID) async {
        // The acquire itself learns that the agent is gone.
        _ = try? await self.ask(.cancelAcquire(resource), "cancel \(resource.name)", as: Done.self)
    }

    /// Asks the agent.
    public func convert(
        _ resource: Resource.ID, to mode: LockMode, writing value: ValueBlock?
    ) async throws(LockManagerError) -> AcquireOutcome {
        try await self.ask(.convert(resource, mode, value), "convert", resource)
    }

    /// Asks the agent.
    public func release(
        _ resource: Resource.ID, writing value: ValueBlock?
    ) async throws(LockManagerError) {
        let _: Done = try await self.ask(.release(resource, value), "release", resource)
    }

    /// Asks the agent.
    public func forget(_ resource: Resource.ID) async {
        // Interest ends with the agent, too.
        _ = try? await self.ask(.forget(resource), "forget \(resource.name)", as: Done.self)
    }

    /// Asks the agent.
    public func holders(of resource: Resource) async throws(LockManagerError) -> [Host]? {
        try await self.ask(.holders(resource), "list the holders of", resource.id)
    }

    /// Asks the agent.
    public func purgeOrphans(in lockspace: Lockspace.ID) async throws(LockManagerError) {
        let _: Done = try await self.ask(.purgeOrphans(lockspace), "purge orphans in \(lockspace)")
    }

    func ask<Answer: WireValue>(
        _ call: AgentCall, _ doing: String, _ resource: Resource.ID
    ) async throws(LockManagerError) -> Answer {
        try await self.ask(call, "\(doing) \(resource.name) in \(resource.lockspace)")
    }

    func ask<Answer: WireValue>(
        _ call: AgentCall, _ doing: String, as type: Answer.Type = Answer.self
    ) async throws(LockManagerError) -> Answer {
        switch await self.session.conversation.ask(call) {
        case .answered(let bytes):
            var reader = WireReader(bytes)
            do throws(WireError) {
                let answer = try reader.read(Answer.self)
                guard reader.isAtEnd else { throw WireError(reason: "it is too long") }
                return answer
            } catch {
                throw LockManagerError(
                    .managerFailed, hold: .unknown, layer: .daemon, doing: doing,
                    advice: "the agent's answer cannot be read: \(error.reason)")
            }
        case .failed(let error): throw error
        case .lost:
            throw LockManagerError(
                .managerUnavailable, hold: .unknown, layer: .daemon, doing: doing,
                advice: "the agent is gone")
        }
    }
}
