import LockCore
import Testing

@testable import LVMWire

@Suite struct ResultCodeTests {
    @Test func `every error has a number, and every number a meaning`() {
        for code in LockErrorCode.allCases {
            #expect(ResultCode.table[code] != nil, "\(code)")
            let number = ResultCode(code)
            #expect(number.rawValue < 0)
            #expect(!number.description.hasPrefix("result "), "\(code) has \(number.rawValue)")
        }
    }

    @Test func `an unknown number shows itself`() {
        #expect(ResultCode(rawValue: -4711).description == "result -4711")
    }

    @Test func `lvm takes no name collision for a lockspace that is started`() {
        #expect(ResultCode(.nameCollision) != ResultCode(.lockspaceExists))
    }

    @Test func `operations have the protocol's numbers`() {
        #expect(OperationNumber.allCases.map(\.rawValue) == Array(1...30))
        #expect(OperationNumber.lock.rawValue == 7)
        #expect(OperationNumber.stopAll.rawValue == 13)
        #expect(OperationNumber.runningManager.rawValue == 18)
        #expect(OperationNumber.setRemoteLock.rawValue == 30)
    }

    @Test func `modes have their words`() {
        for mode in LockMode.allCases { #expect(LockMode(word: mode.word) == mode) }
        #expect(LockMode(word: "iv") == nil)
    }
}
