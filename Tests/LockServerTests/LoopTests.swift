import Glibc
import LockCore
import Testing

@testable import LockServer

/// The server's thread, and the bytes that wait for a client.
struct LoopTests {
    @Test func `an earlier timer waits for no later one, and a cancelled one does not run`()
        async throws
    {
        let loop = try EventLoop()
        let order = await withCheckedContinuation { continuation in
            loop.execute {
                var order: [String] = []
                loop.schedule(after: .seconds(3600)) { order.append("in an hour") }
                let cancelled = loop.schedule(after: .milliseconds(1)) { order.append("cancelled") }
                loop.schedule(after: .milliseconds(1)) { order.append("first") }
                loop.schedule(after: .milliseconds(2)) {
                    order.append("second")
                    continuation.resume(returning: order)
                }
                loop.cancel(cancelled)
            }
        }
        #expect(order == ["first", "second"])
        await loop.shutDown()
    }

    @Test func `calls from other threads are all carried out, one at a time`() async throws {
        let loop = try EventLoop()
        let counter = await loop.submit { LoopBound(Counter(), to: loop) }
        await withTaskGroup { group in
            for _ in 0..<64 {
                group.addTask {
                    for _ in 0..<100 { loop.execute { counter.value.count += 1 } }
                    await loop.submit { counter.value.count += 1 }
                }
            }
        }
        #expect(await loop.submit { counter.value.count } == 64 * 101)
        await loop.shutDown()
    }

    @Test func `a socket that its neighbour in the batch has closed is left alone`() async throws {
        let loop = try EventLoop()
        let pairs = [Self.pair(), Self.pair()]
        let closer = await loop.submit {
            let closer = Closer(loop, [pairs[0].0, pairs[1].0])
            // Both are ready before the loop looks at either.
            for pair in pairs {
                send(pair.1, "x", 1, 0)
                #expect(loop.add(pair.0, .readable, closer))
            }
            return LoopBound(closer, to: loop)
        }
        // The loop has looked at its sockets once before it comes to the second of these calls.
        for _ in 0..<2 { await loop.submit {} }
        #expect(await loop.submit { closer.value.calls } == 1)
        await loop.shutDown()
        for pair in pairs { close(pair.1) }
    }

    @Test(arguments: [false, true])
    func `who asks hears once of the end of the turn, or of the event`(soon: Bool) async throws {
        let loop = try EventLoop()
        let pairs = [Self.pair(), Self.pair()]
        let recorder = await loop.submit {
            let recorder = Recorder(loop, pairs.map(\.0), soon: soon)
            // Both are ready before the loop looks at either.
            for pair in pairs {
                send(pair.1, "x", 1, 0)
                #expect(loop.add(pair.0, .readable, recorder))
            }
            return LoopBound(recorder, to: loop)
        }
        // The loop has looked at its sockets once before it comes to the second of these calls.
        for _ in 0..<2 { await loop.submit {} }
        let heard = await loop.submit { recorder.value.heard }
        #expect(heard == (soon ? ["ready", "end"] : ["ready", "ready", "end"]))
        await loop.shutDown()
        for pair in pairs { close(pair.1) }
    }

    @Test func `a reply whose fate matters is told of when its bytes have been taken`() {
        var output = SessionOutput()
        let grant = Delivery.grant(Action(.stop))
        output.append { $0 += Array("first".utf8) }
        output.append(grant)
        output.append { $0 += Array("second".utf8) }
        output.append(.quit)
        #expect(output.send { min($0.count, 7) } == 7)
        #expect(output.removeTaken() == [grant])
        #expect(output.removeTaken() == [])
        #expect(output.count == 4)
        #expect(output.removeAll() == [.quit])
        #expect(output.count == 0)
    }

    @Test func `bytes are sent once and in their order`() {
        var output = SessionOutput()
        var sent: [UInt8] = []
        for number in UInt8(0)..<100 {
            output.append { $0 += [number, number] }
            _ = output.send { bytes in
                let part = bytes.prefix(3)
                sent += part
                return part.count
            }
            _ = output.removeTaken()
        }
        #expect(output.count == 0)
        #expect(sent == (UInt8(0)..<100).flatMap { [$0, $0] })
    }

    private final class Counter {
        var count = 0
    }

    /// Closes all of its sockets as soon as one is ready.
    private final class Closer: SocketHandler {
        private let loop: EventLoop
        private let descriptors: [Int32]
        private(set) var calls = 0

        init(_ loop: EventLoop, _ descriptors: [Int32]) {
            self.loop = loop
            self.descriptors = descriptors
        }

        func ready(for events: SocketEvents) {
            self.calls += 1
            for descriptor in self.descriptors { self.loop.close(descriptor) }
        }

        func turnEnds() {}
    }

    /// Asks to hear of the end when first ready, and closes its sockets when it hears of it.
    private final class Recorder: SocketHandler {
        private let loop: EventLoop
        private let descriptors: [Int32]
        private let soon: Bool
        private(set) var heard: [String] = []

        init(_ loop: EventLoop, _ descriptors: [Int32], soon: Bool) {
            self.loop = loop
            self.descriptors = descriptors
            self.soon = soon
        }

        func ready(for events: SocketEvents) {
            if self.heard.isEmpty {
                self.loop.callAtEnd(self)
                if self.soon { self.loop.endTurnSoon() }
            }
            self.heard.append("ready")
        }

        func turnEnds() {
            self.heard.append("end")
            for descriptor in self.descriptors { self.loop.close(descriptor) }
        }
    }

    private static func pair() -> (Int32, Int32) {
        var descriptors: [Int32] = [0, 0]
        socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &descriptors)
        return (descriptors[0], descriptors[1])
    }
}
