import LVMWire
import LockCore

extension LogLine {
    /// What a request asks for, such as `lock_vg ex vg0`.
    mutating func append(_ request: Request) {
        guard case .action(let action) = request.body, action.operation != .quit else {
            // Upstream has no words for these.
            if request.operation == .hello { return self.append("hello") }
            if request.operation == .quit { return self.append("quit") }
            return self.append(word: request.operation.word)
        }
        self.append(word: request.operation.word)
        self.append(action.operation)
        guard !action.volumeGroup.isEmpty else { return }
        self.append(" ")
        self.append(word: action.volumeGroup)
    }

    private mutating func append(_ operation: Action.Operation) {
        switch operation {
        case .lock(let target, let mode, _): self.append(target, mode)
        case .unlock(let target): self.append(target, .unlocked)
        case .queryLock(let target): self.append(target, nil)
        case .update(let version):
            self.append(" version ")
            self.append(number: Int(version))
        default: break
        }
    }

    private mutating func append(_ target: Action.Target, _ mode: LockMode?) {
        switch target {
        case .global: self.append("_gl")
        case .volumeGroup: self.append("_vg")
        case .logicalVolume: self.append("_lv")
        }
        if let mode {
            self.append(" ")
            self.append(word: mode.word)
        }
        guard case .logicalVolume(let volume) = target else { return }
        self.append(" ")
        self.append(word: volume.uuid)
    }
}
