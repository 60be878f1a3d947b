#if Sanlock
import LockCore

/// Lock arguments that are being read: fields with colons, a version such as `1.0.0` first.
struct ArgumentsText: Sendable {
    private let text: String
    private let newestVersion: Int

    /// `newestVersion` is the largest first number that the reader understands: only that one
    /// grows when an older host must not touch what the arguments describe.
    init(_ text: String, newestVersion: Int = 0) {
        self.text = text
        self.newestVersion = newestVersion
    }

    /// The fields after the version; `doing` is for the error.
    func fields(doing: @autoclosure () -> String) throws(LockManagerError) -> [Substring] {
        let fields = self.text.split(separator: ":", omittingEmptySubsequences: false)
        let numbers = fields[0].split(separator: ".", omittingEmptySubsequences: false)
            .map { $0.first == "+" ? nil : UInt16($0) }
        guard numbers.count == 3, !numbers.contains(nil), let major = numbers[0], major > 0
        else { throw self.failure("they do not begin with a version such as 1.0.0", doing()) }
        guard major <= self.newestVersion else {
            let newest = "\(self.newestVersion).x, the newest that this program knows"
            throw self.failure("their version is newer than \(newest)", doing())
        }
        return Array(fields.dropFirst())
    }

    /// The answer to a request with these arguments.
    func failure(_ fault: String, _ doing: String) -> LockManagerError {
        let advice =
            self.text.isEmpty || self.text == "none"
            ? "the lock arguments are missing"
            : "the lock arguments \"\(self.text)\" cannot be used: \(fault)"
        return LockManagerError(.badArguments, doing: doing, advice: advice)
    }
}
#endif
