import EngineDriver
import Glibc
import LockCore

// Prints the bytes of resident memory that a held lock costs in the engine: 100,000 logical
// volumes' locks in one lockspace, each with a UUID as long as LVM's.

func residentBytes() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var buffer = [CChar](repeating: 0, count: 256)
    guard fgets(&buffer, Int32(buffer.count), file) != nil else { return 0 }
    let text = String(decoding: buffer.map(UInt8.init(bitPattern:)), as: UTF8.self)
    let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return pages * sysconf(Int32(_SC_PAGESIZE))
}

func volume(_ number: Int) -> LogicalVolume {
    let digits = String(number)
    let padding = String(repeating: "0", count: 7 - digits.count)
    return LogicalVolume(uuid: "wQK7lJ-S85B-yOEX-2kSG-OMnt-YzF-" + padding + digits)
}

let locks = 100_000
let driver = EngineDriver()
let before = residentBytes()
driver.run { service in
    let client = service.openClient()
    for number in 0..<locks {
        driver.lock(volume(number), from: client, isPersistent: true, at: service)
    }
    service.closeClient(client)
}
let after = residentBytes()
guard driver.failures == 0, driver.successes == locks + 1 else {
    print("\(driver.failures) locks were refused")
    exit(EXIT_FAILURE)
}
print((after - before) / locks)
