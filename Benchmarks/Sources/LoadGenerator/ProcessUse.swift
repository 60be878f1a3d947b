import Glibc

/// Reads what a process has used from /proc.
package enum ProcessUse {
    /// Processor time of all its threads so far, in seconds; nanoseconds where the kernel tells.
    static func cpuSeconds(of process: Int32) -> Double? {
        guard let status = self.contents("/proc/\(process)/stat"),
            let nameEnd = status.lastIndex(of: ")")
        else { return nil }
        // The third field follows the name; user and system time are the 14th and 15th.
        let fields = status[nameEnd...].dropFirst(2).split(separator: " ")
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12])
        else { return nil }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Resident memory and proportional share, in bytes.
    static func memory(of process: Int32) -> (rss: UInt64, pss: UInt64)? {
        guard let rollup = self.contents("/proc/\(process)/smaps_rollup") else { return nil }
        var values: [Substring: UInt64] = [:]
        for line in rollup.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 3, let kibibytes = UInt64(words[1]) else { continue }
            values[words[0]] = kibibytes * 1024
        }
        guard let rss = values["Rss:"], let pss = values["Pss:"] else { return nil }
        return (rss, pss)
    }

    /// Processor time of this process so far, in seconds.
    package static var ownCPUSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func contents(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// The time in nanoseconds, of a clock that only ever advances.
@inline(__always)
package func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
}
