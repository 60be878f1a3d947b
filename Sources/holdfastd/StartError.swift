import Glibc

/// The daemon cannot start.
struct StartError: Error, CustomStringConvertible {
    /// What was wrong, with what, and what to do.
    let text: String

    var description: String { self.text }

    /// An error that another process, or another part, has put into words.
    init(text: String) {
        self.text = text
    }

    /// What was wrong, and what to do about it.
    init(problem: String, advice: String) {
        self.text = "\(problem); \(advice)"
    }

    /// What the system says about the call that has just failed.
    static var systemReason: String {
        let status = errno
        guard let text = strerror(status) else { return "error \(status)" }
        return String(cString: text)
    }
}
