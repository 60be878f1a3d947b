import LockCore
import LockInMemory

let cluster = InMemoryCluster()
let service = LockService(managers: [cluster.host(1)])
let vg0 = try await service.join(Lockspace(volumeGroup: "vg0", kind: .memory))
let volume = LockTarget.logicalVolume("Ys2fEr-lvol0")

try await vg0.withLock(volume, .exclusive, deadline: .now + .seconds(5)) { lease in
    // No other host has the lock while this runs; if it is lost, this task is cancelled.
    print("host 1 writes, token \(lease.token?.rawValue ?? 0)")
}

// A second host. With another lock manager it would be another machine; here it is a second
// service in this process, on the same cluster.
let otherService = LockService(managers: [cluster.host(2)])
let otherVG0 = try await otherService.join(Lockspace(volumeGroup: "vg0", kind: .memory))

print("\n-- Two hosts want one volume: trying answers at once, waiting ends at the deadline.")
try await vg0.withLock(volume, .exclusive) { _ in
    if try await otherVG0.tryAcquire(volume, .exclusive) == nil {
        print("host 2 tries: somebody is in the way")
    }
    do {
        _ = try await otherVG0.acquire(volume, .exclusive, deadline: .now + .milliseconds(200))
    } catch {
        print("host 2 waits 200 ms: \(error)")
    }
}

print("\n-- The holder learns that another host waits, and lets go.")
let lease = try await vg0.acquire(volume, .exclusive)
async let writing: Void = otherVG0.withLock(volume, .exclusive) { lease in
    print("host 2 writes, token \(lease.token?.rawValue ?? 0)")
}
for await news in lease.news where news == .wanted {
    print("host 1 is asked for the lock")
    await lease.release()
    break
}
try await writing

print("\n-- Shared locks exclude exclusive ones. A conversion answers at once.")
let reader = try await vg0.acquire(volume, .shared)
let otherReader = try await otherVG0.acquire(volume, .shared)
do {
    try await reader.convert(to: .exclusive)
} catch {
    print("host 1 cannot convert: \(error)")
}
await otherReader.release()
try await reader.convert(to: .exclusive)
print("host 1 has converted its lock to exclusive")
await reader.release()

print("\n-- The volume group's lock carries the version of the metadata to the next holder.")
try await vg0.withLock(.volumeGroup, .exclusive) { lease in
    try await lease.publish(version: 7)
}
try await otherVG0.withLock(.volumeGroup, .shared) { lease in
    if case .value(let block) = lease.value {
        print("host 2 sees version \(block.resourceVersion): its copy is old")
    }
}

print("\n-- A lost lockspace cancels the body, and its scope throws.")
do {
    try await vg0.withLock(volume, .exclusive) { _ in
        cluster.lose(vg0.id, on: 1, certainFor: .milliseconds(300))
        try await Task.sleep(for: .seconds(60))
    }
} catch let error as LockError {
    print("host 1 stops: \(error)")
}
try await otherVG0.withLock(volume, .exclusive) { lease in
    print("host 2 takes over, token \(lease.token?.rawValue ?? 0)")
}

try await vg0.leave()
try await otherVG0.leave()
