import Benchmark
import EngineDriver
import LVMClient
import LVMWire
import LockCore
import LockServer

/// Times and throughputs of the parts, one process alone. Counts of allocations and instructions
/// are not among the metrics: this configuration of the benchmark package reads them as 0.
let benchmarks: @Sendable () -> Void = {
    let configuration = Benchmark.Configuration(
        metrics: [.wallClock, .throughput], scalingFactor: .kilo, maxDuration: .seconds(1),
        maxIterations: 100_000)

    Benchmark(
        "engine: lock and unlock, uncontended", configuration: configuration
    ) { benchmark in
        let driver = EngineDriver()
        let volume = LogicalVolume(uuid: "wQK7lJ-S85B-yOEX-2kSG-OMnt-YzF1-E9ITBG")
        let count = benchmark.scaledIterations.count
        let client = driver.run { $0.openClient() }
        benchmark.startMeasurement()
        driver.run { service in
            for _ in 0..<count {
                driver.lock(volume, from: client, at: service)
                driver.unlock(volume, from: client, at: service)
            }
        }
        benchmark.stopMeasurement()
        precondition(driver.failures == 0, "an uncontended lock was refused")
    }

    Benchmark(
        "engine: 1,000 clients take one lock in turn", configuration: configuration
    ) { benchmark in
        let driver = EngineDriver()
        let volume = LogicalVolume(uuid: "wQK7lJ-S85B-yOEX-2kSG-OMnt-YzF1-E9ITBG")
        let clients = driver.run { service in (0..<1000).map { _ in service.openClient() } }
        benchmark.startMeasurement()
        driver.run { service in
            for client in clients { driver.lock(volume, from: client, at: service) }
            for client in clients { driver.unlock(volume, from: client, at: service) }
        }
        benchmark.stopMeasurement()
        precondition(driver.failures == 0, "a lock was refused that could wait")
    }

    Benchmark("wire: parse a request, write a reply", configuration: configuration) { benchmark in
        let frame = Array(lockRequest("ex").bytes.dropLast(FrameReader.terminator.count))
        var reply: [UInt8] = []
        for _ in benchmark.scaledIterations {
            guard let request = try? Request.parse(frame) else {
                preconditionFailure("lvm's request was not understood")
            }
            reply.removeAll(keepingCapacity: true)
            Response.append(.done, to: request.operation, into: &reply)
            blackHole(reply)
        }
    }

    Benchmark(
        "socket: lock and unlock over a connection", configuration: configuration
    ) { benchmark in
        try await measureSocket(benchmark)
    }
}

private func lockRequest(_ mode: ClientRequest.Value) -> ClientRequest {
    ClientRequest(
        "lock_lv",
        [
            "cmd": "lvchange", "pid": 4174, "mode": mode, "opts": "persistent",
            "vg_name": "bench", "lv_name": "lv1",
            "lv_uuid": "wQK7lJ-S85B-yOEX-2kSG-OMnt-YzF1-E9ITBG", "vg_lock_type": "dlm",
            "vg_lock_args": "1.0.0:bench", "lv_lock_args": "dlm",
        ])
}

private func measureSocket(_ benchmark: Benchmark) async throws {
    let loop = try await ServerLoop()
    let folder = try TemporaryFolder()
    let path = folder.path + "/socket"
    let service = EngineDriver.service(on: loop.executor)
    let server = try await UnixSocketServer.start(
        service, on: loop,
        UnixSocketServer.Configuration(.path(path), log: EventLog(on: loop)))
    let connection = try LockdConnection(to: path)
    try connection.hello()
    _ = try connection.call(
        ClientRequest(
            "start_vg",
            [
                "vg_name": "bench", "vg_lock_type": "dlm", "vg_lock_args": "1.0.0:bench",
                "opts": "wait",
            ]))
    let (lock, unlock) = (lockRequest("ex"), lockRequest("un"))
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations {
        let replies = [try connection.call(lock), try connection.call(unlock)]
        precondition(replies.allSatisfy { $0.result == .done }, "a lock was refused")
    }
    benchmark.stopMeasurement()
    await server.stop()
    await service.shutDown()
    await loop.shutDown()
}
