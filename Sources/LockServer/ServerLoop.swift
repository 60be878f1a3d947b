/// The one thread that serves every session and, as its executor, the lock service: a request that
/// the lock manager answers at once crosses no thread between the socket's read and write.
public struct ServerLoop: Sendable {
    let loop: EventLoop
    /// Datagrams of all servers on the loop go to one address, so they go one after the other.
    let dumps: LoopBound<DumpSender>

    /// Starts the loop's thread.
    ///
    /// - Throws: ``ServerError`` if the system refuses.
    public init() async throws(ServerError) {
        try await self.init(dumpSocket: DumpSender.lvmlockctlName)
    }

    init(dumpSocket name: String) async throws(ServerError) {
        let loop = try EventLoop()
        self.loop = loop
        self.dumps = await loop.submit { LoopBound(DumpSender(to: name, on: loop), to: loop) }
    }

    /// The loop, as an executor of actors.
    public var executor: any SerialExecutor { self.loop }

    /// Ends the thread. Nothing may use the loop any more.
    public func shutDown() async {
        await self.loop.shutDown()
    }
}
