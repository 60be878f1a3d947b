import NIOCore
import NIOPosix

/// The one event loop that serves every session and, as its executor, the lock service: a request
/// that the lock manager answers at once crosses no thread between the socket's read and write.
public struct ServerLoop: Sendable {
    private let group: MultiThreadedEventLoopGroup
    let loop: any EventLoop
    private let loopExecutor: LoopExecutor
    /// Datagrams of all servers on the loop go to one address, so they go one after the other.
    let dumps: NIOLoopBound<DumpSender>

    /// Starts the loop's thread.
    public init() async throws {
        try await self.init(dumpSocket: DumpSender.lvmlockctlName)
    }

    init(dumpSocket name: String) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        self.group = group
        self.loop = loop
        self.loopExecutor = LoopExecutor(loop)
        self.dumps = try await loop.submit {
            NIOLoopBound(DumpSender(to: name, on: loop), eventLoop: loop)
        }.get()
    }

    /// The loop, as an executor of actors.
    public var executor: any SerialExecutor { self.loopExecutor }

    /// Ends the thread. Nothing may use the loop any more.
    public func shutDown() async throws {
        try await self.group.shutdownGracefully()
    }
}
