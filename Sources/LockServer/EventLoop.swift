import CLockServer
import Dispatch
import Glibc
import LockCore
import Synchronization

/// One thread that waits for sockets, timers and calls, and an executor of actors on it.
///
/// An actor on the loop is entered from a socket's handler by a plain call, without a task and
/// without another thread.
final class EventLoop: SerialExecutor, @unchecked Sendable {
    private enum Call {
        case job(UnownedJob)
        case body(() -> Void)
    }

    private static let eventsAtOnce = 256
    /// A command sends one request after the other, and to wake a processor takes longer than most
    /// answers do: whoever asks again within this time does not wait for that.
    private static let timeAwake = Duration.microseconds(50)
    /// Events that are further apart than this come from slow storage, or from nobody in a hurry.
    private static let longestGap = Duration.microseconds(100)

    private let epoll: Int32
    /// An eventfd that ends the wait when calls come from other threads.
    private let bell: Int32
    private let thread = Atomic<UInt>(0)

    /// Guards the calls of other threads.
    private let queue = DispatchQueue(label: "holdfast.loop.calls")
    private var foreignCalls: [Call] = []

    // The rest is the thread's own.
    private var ownCalls: [Call] = []
    /// By descriptor.
    private var handlers: [(any SocketHandler)?] = []
    /// Those that hear of the end of this turn.
    private var waitingForEnd: [any SocketHandler] = []
    private var endsSoon = false
    private let time = SystemTime()
    private var timers = TimerHeap<UInt64>()
    private var timed: [UInt64: () -> Void] = [:]
    /// When the earliest timer's time comes.
    private var nextTimer: Duration?
    private var lastTimer: UInt64 = 0
    private var lastEvent = Duration.zero
    private var staysAwakeUntil: Duration?
    private var isEnding = false

    /// Starts the thread.
    init() throws(ServerError) {
        self.epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        self.bell = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard self.epoll >= 0, self.bell >= 0, self.control(EPOLL_CTL_ADD, self.bell, .readable)
        else { throw ListeningSocket.systemError("epoll", "start the server's thread") }
        DispatchQueue(label: "holdfast.loop").async { self.run() }
    }

    deinit {
        Glibc.close(self.epoll)
        Glibc.close(self.bell)
    }

    /// Is the caller on the loop's thread?
    var isCurrent: Bool { self.thread.load(ordering: .relaxed) == pthread_self() }

    // MARK: Calls

    func enqueue(_ job: consuming ExecutorJob) {
        self.add(.job(UnownedJob(job)))
    }

    /// Runs the body on the thread, soon.
    func execute(_ body: @escaping @Sendable () -> Void) {
        self.add(.body(body))
    }

    /// Runs the body on the thread and returns what it does.
    func submit<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            self.execute { continuation.resume(returning: body()) }
        }
    }

    func checkIsolated() {
        precondition(self.isCurrent, "this must be done on the server's thread")
    }

    func isIsolatingCurrentContext() -> Bool? {
        self.isCurrent
    }

    /// Ends the thread once it has done what it was called for. Nothing may use it any more.
    func shutDown() async {
        await withCheckedContinuation { continuation in
            self.execute {
                self.isEnding = true
                continuation.resume()
            }
        }
    }

    private func add(_ call: Call) {
        if self.isCurrent { return self.ownCalls.append(call) }
        let isFirst = self.queue.sync {
            self.foreignCalls.append(call)
            return self.foreignCalls.count == 1
        }
        if isFirst { eventfd_write(self.bell, 1) }
    }

    private func takeForeignCalls() {
        var rings = eventfd_t()
        eventfd_read(self.bell, &rings)
        self.ownCalls += self.queue.sync {
            let calls = self.foreignCalls
            self.foreignCalls = []
            return calls
        }
    }

    // MARK: Sockets

    /// Watches a socket. False, with `errno`, if the system refuses.
    func add(_ descriptor: Int32, _ events: SocketEvents, _ handler: any SocketHandler) -> Bool {
        guard self.control(EPOLL_CTL_ADD, descriptor, events) else { return false }
        while self.handlers.count <= Int(descriptor) { self.handlers.append(nil) }
        self.handlers[Int(descriptor)] = handler
        return true
    }

    /// Watches a socket for something else.
    func change(_ descriptor: Int32, to events: SocketEvents) {
        _ = self.control(EPOLL_CTL_MOD, descriptor, events)
    }

    /// Tells the handler when all that there is to do in this turn is done.
    func callAtEnd(_ handler: any SocketHandler) {
        self.waitingForEnd.append(handler)
    }

    /// Tells those who asked for the turn's end after the event that is being handled.
    func endTurnSoon() {
        self.endsSoon = true
    }

    /// Closes a socket that is watched. Its handler is not called any more.
    func close(_ descriptor: Int32) {
        self.handlers[Int(descriptor)] = nil
        Glibc.close(descriptor)
    }

    private func control(_ what: Int32, _ descriptor: Int32, _ events: SocketEvents) -> Bool {
        var event = epoll_event()
        event.events = events.rawValue
        event.data.fd = descriptor
        return epoll_ctl(self.epoll, what, descriptor, &event) == 0
    }

    // MARK: Timers

    /// Names a timer.
    struct Timer {
        fileprivate let number: UInt64
    }

    /// Runs the body when so much time has passed.
    @discardableResult
    func schedule(after pause: Duration, _ body: @escaping () -> Void) -> Timer {
        self.lastTimer += 1
        self.timers.set(self.lastTimer, at: self.time.now + pause)
        self.timed[self.lastTimer] = body
        self.nextTimer = self.timers.earliest
        return Timer(number: self.lastTimer)
    }

    /// Forgets a timer, if its time has not come.
    func cancel(_ timer: Timer) {
        self.timers.remove(timer.number)
        self.timed[timer.number] = nil
    }

    // MARK: The thread

    private func run() {
        self.thread.store(pthread_self(), ordering: .relaxed)
        let events = UnsafeMutableBufferPointer<epoll_event>.allocate(capacity: Self.eventsAtOnce)
        defer { events.deallocate() }
        while !self.isEnding || !self.ownCalls.isEmpty {
            let count = epoll_wait(
                self.epoll, events.baseAddress, Int32(events.count),
                self.staysAwakeUntil == nil ? self.longestWait : 0)
            self.stayAwake(isBusy: count > 0)
            self.handle(UnsafeBufferPointer(rebasing: events[..<max(0, Int(count))]))
            self.runTimers()
            self.runCalls()
            self.endTurn()
        }
        self.thread.store(0, ordering: .relaxed)
    }

    /// While events follow one another closely, the loop asks again and again for the next one
    /// before it sleeps.
    private func stayAwake(isBusy: Bool) {
        if isBusy {
            let now = self.time.now
            let isClose = now - self.lastEvent < Self.longestGap
            self.lastEvent = now
            self.staysAwakeUntil = isClose ? now + Self.timeAwake : nil
        } else if let end = self.staysAwakeUntil {
            // Others may need the processor, such as the client that is to send the next request.
            if self.time.now < end { sched_yield() } else { self.staysAwakeUntil = nil }
        }
    }

    private func handle(_ events: UnsafeBufferPointer<epoll_event>) {
        // Who has called before a client sends something is heard before the client.
        if events.contains(where: { $0.data.fd == self.bell }) {
            self.takeForeignCalls()
            self.runCalls()
        }
        for event in events where event.data.fd != self.bell {
            // What came earlier in the same batch may have closed it.
            self.handlers[Int(event.data.fd)]?.ready(for: SocketEvents(rawValue: event.events))
            if self.endsSoon { self.endTurn() }
        }
    }

    /// In milliseconds, as epoll counts; -1 for ever.
    private var longestWait: Int32 {
        guard self.ownCalls.isEmpty else { return 0 }
        guard let nextTimer = self.nextTimer else { return -1 }
        let wait = max(.zero, nextTimer - self.time.now)
        return Int32(min(wait / .milliseconds(1), 60_000)) + 1
    }

    private func runTimers() {
        guard let nextTimer = self.nextTimer, case let now = self.time.now, nextTimer <= now
        else { return }
        for number in self.timers.takeDue(now) { self.timed.removeValue(forKey: number)?() }
        self.nextTimer = self.timers.earliest
    }

    private func endTurn() {
        self.endsSoon = false
        var next = 0
        while next < self.waitingForEnd.count {
            self.waitingForEnd[next].turnEnds()
            next += 1
        }
        if next > 0 { self.waitingForEnd.removeAll(keepingCapacity: true) }
    }

    private func runCalls() {
        guard !self.ownCalls.isEmpty else { return }
        let calls = self.ownCalls
        self.ownCalls = []
        for call in calls {
            switch call {
            case .job(let job): job.runSynchronously(on: self.asUnownedSerialExecutor())
            case .body(let body): body()
            }
        }
    }
}
