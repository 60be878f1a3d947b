import Foundation
import LockCore
import LockFolder

// The folder that the hosts share. Name one, and run this program twice at the same time: two
// processes exclude each other as the two hosts below do.
let named = CommandLine.arguments.dropFirst().first
let folder = named ?? FileManager.default.temporaryDirectory.path + "/holdfast-\(UUID())"
try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)

// Two hosts in one process: each opens the files for itself, and that is all they share.
let lockspace = Lockspace(volumeGroup: "vg0", kind: .folder)
let first = try await LockService(managers: [FolderLockManager(folder: folder)]).join(lockspace)
let second = try await LockService(managers: [FolderLockManager(folder: folder)]).join(lockspace)
let volume = LockTarget.logicalVolume("Ys2fEr-lvol0")

print("-- Two hosts share the folder \(folder)")
let lease = try await first.acquire(volume, .exclusive)
print("the first host has the lock exclusively")
if try await second.tryAcquire(volume, .exclusive) == nil {
    print("the second host is refused")
}

// The engine asks again for the second host, for this manager has no queue to wait in.
async let waiting = second.acquire(volume, .shared, deadline: .now + .seconds(10))
try await Task.sleep(for: .milliseconds(200))
try await lease.convert(to: .shared)
print("the first host has changed its lock to shared")
let shared = try await waiting
print("the second host has the lock shared, too")

do {
    try await lease.convert(to: .exclusive)
} catch {
    print("the first host cannot go back: \(error)")
}
await shared.release()
try await lease.convert(to: .exclusive)
print("the second host has let go, and the first is alone again")
await lease.release()

try await first.leave()
try await second.leave()
if named == nil { try FileManager.default.removeItem(atPath: folder) }
