import LockCore

/// How this manager speaks to people.
enum DLMWords {
    static let noDaemon = "start dlm_controld"

    static func describe(_ call: DLMCall) -> String {
        switch call {
        case .acquire: "acquire"
        case .convert: "convert"
        case .release: "release"
        case .forget: "forget"
        }
    }
}
