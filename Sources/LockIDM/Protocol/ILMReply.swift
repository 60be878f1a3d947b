/// What the IDM lock manager answers, as a value.
package struct ILMReply: Hashable, Sendable {
    /// Below zero an ``ILMResult``; else success, with some commands as a count of bytes.
    package var result: Int32
    /// What follows success; as many bytes as the command says.
    package var data: [UInt8]

    package init(result: Int32, data: [UInt8] = []) {
        self.result = result
        self.data = data
    }

    /// The whole message. `noise` stands where the manager leaves what lay in its memory.
    package func encoded(noise: UInt32 = 0) -> [UInt8] {
        let length = UInt32(ILMHeader.size + self.data.count)
        return ILMHeader(command: noise, length: length, result: self.result).encoded + self.data
    }

    /// Reads a whole message; nil if it is no reply to that command.
    package init?(_ bytes: [UInt8], to command: ILMRequest.Command) {
        guard let header = ILMHeader(bytes.prefix(ILMHeader.size)) else { return nil }
        let data = Array(bytes.dropFirst(ILMHeader.size))
        guard data.count == (header.result == 0 ? command.replySize : 0) else { return nil }
        self.init(result: header.result, data: data)
    }

    package var refusal: ILMResult? {
        self.result < 0 ? ILMResult(rawValue: self.result) : nil
    }
}

/// How many hosts hold a mutex, without those whose countdown has run out.
public struct ILMHostCount: Hashable, Sendable {
    /// Hosts besides the connection's own.
    public var others: Int
    /// The connection's own host holds it.
    public var isHeldBySelf: Bool

    /// Counts hosts.
    public init(others: Int, isHeldBySelf: Bool) {
        self.others = others
        self.isHeldBySelf = isHeldBySelf
    }

    package init?(_ data: [UInt8]) {
        var reader = ByteReader(data)
        guard let others: Int32 = reader.littleEndian(), let own: Int32 = reader.littleEndian()
        else { return nil }
        self.init(others: Int(others), isHeldBySelf: own != 0)
    }

    package var data: [UInt8] {
        var data: [UInt8] = []
        data.appendLittleEndian(Int32(truncatingIfNeeded: self.others))
        data.appendLittleEndian(Int32(self.isHeldBySelf ? 1 : 0))
        return data
    }
}
