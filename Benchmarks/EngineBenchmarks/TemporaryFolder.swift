import Glibc

/// An empty folder that is removed with what is in it directly.
struct TemporaryFolder: ~Copyable {
    let path: String

    init() throws {
        var template = Array("/tmp/holdfast-benchmark.XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw SystemError(status: errno) }
        self.path = String(cString: made)
    }

    deinit {
        _ = unlink(self.path + "/socket")
        _ = rmdir(self.path)
    }

    struct SystemError: Error {
        var status: Int32
    }
}
