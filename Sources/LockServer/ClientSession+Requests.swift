import Dispatch
import LVMWire
import LockCore

// What each request means and how it is answered.
extension ClientSession {
    /// Carries out a request, or says what is wrong with it.
    func handle(_ frame: [UInt8]) {
        let request: Request
        do throws(WireError) {
            request = try Request.parse(frame)
        } catch {
            self.traceRefusal(error)
            self.reply { $0 += Response.failed(error) }
            return
        }
        self.take(nameFrom: request)
        self.traceRequest(request)
        switch request.body {
        case .hello: self.reply { Response.append(.done, to: .hello, into: &$0) }
        case .refused(let reply): self.answer(reply, to: request)
        case .info: self.sendStatus()
        case .dump: self.sendLog()
        case .action(let action): self.submit(action, as: consume request)
        }
    }

    /// Tells the client why it is not served (any further), and closes.
    func refuse(_ reason: String) {
        self.server.log.log(.warning, "refused \(self.name)[\(self.processID)]: \(reason)")
        self.output.append { $0 += Response.failed(reason) }
        self.writeLast()
    }

    // MARK: Actions

    private func submit(_ action: Action, as request: consuming Request) {
        guard let takeReply = self.takeReply, let client = self.client else { return }
        self.state = .answering
        self.underWay = request
        self.server.service.assumeIsolated {
            $0.submit(action, from: client, reply: takeReply)
        }
    }

    /// Passes the service's reply on, and goes on to the next request.
    func answered(_ reply: Reply) {
        guard case .answering = self.state, let request = self.underWay.take() else { return }
        self.state = .idle
        self.answer(reply, to: request, self.delivery(of: reply, to: request))
        self.serve()
    }

    private func answer(
        _ reply: Reply, to request: Request, _ delivery: Delivery? = nil
    ) {
        self.traceReply(reply)
        self.output.append { Response.append(reply, to: request.operation, into: &$0) }
        self.write(delivery)
    }

    private func delivery(of reply: Reply, to request: Request) -> Delivery? {
        guard reply.error == nil, case .action(let action) = request.body else { return nil }
        return switch action.operation {
        case .lock(.logicalVolume, _, _): .grant(action)
        case .quit: .quit
        default: nil
        }
    }

    /// Does what has to be done once the client has, or will never have, a reply.
    func settle(_ delivery: Delivery, wasTaken: Bool) {
        switch delivery {
        case .grant(let action):
            guard !wasTaken, let client = self.client else { return }
            self.server.service.assumeIsolated { $0.replyLost(action, of: client) }
        case .quit:
            self.server.onQuit()
        }
    }

    // MARK: Texts

    /// Puts the state into words on another thread: with many locks that takes a while.
    private func sendStatus() {
        guard let onLoop = self.onLoop else { return }
        self.state = .answering
        let status = self.server.service.assumeIsolated { $0.status() }
        let (form, notice) = (self.server.statusForm, self.server.notice)
        let loop = self.server.loop
        self.server.background.async {
            let text = StatusText.text(of: status, as: form, notice: notice)
            loop.execute { onLoop.value.statusIsThere(text.bytes, isComplete: text.isComplete) }
        }
    }

    private func statusIsThere(_ text: [UInt8], isComplete: Bool) {
        guard case .answering = self.state else { return }
        self.state = .idle
        self.sendText(text, isComplete ? .done : .dumpCut)
        self.serve()
    }

    /// Sends the newest lines, as many as lvmlockctl can take with a zero byte behind them.
    private func sendLog() {
        let all = self.server.log.contents
        var text = all.suffix(self.server.statusForm.limit - 1)
        if text.count < all.count {
            text = text.drop { $0 != UInt8(ascii: "\n") }.dropFirst()
        }
        self.sendText(Array(text), .done)
    }

    /// Replies how long the text is, then sends it to lvmlockctl's socket: the reply first, as
    /// upstream does, for lvmlockctl reads the datagrams only after it.
    private func sendText(_ text: [UInt8], _ result: ResultCode) {
        guard self.server.dumps.hasRoom else {
            let busy = ResultCode(.lockspaceBusy)
            return self.reply { $0 += Response.dump(bytes: 0, result: busy) }
        }
        self.reply { $0 += Response.dump(bytes: text.count, result: result) }
        self.flush()
        self.server.dumps.send(text)
    }

    private func reply(_ fill: (inout [UInt8]) -> Void) {
        self.output.append(fill)
        self.write()
    }

    // MARK: Names and traces

    private func take(nameFrom request: Request) {
        let name = request.command
        guard name != self.name, !name.isEmpty, let client = self.client else { return }
        self.name = name
        self.label = []
        self.server.service.assumeIsolated { $0.nameClient(client, name) }
    }

    private func traceRequest(_ request: Request) {
        self.server.log.trace { line in
            line.append("recv ")
            self.appendClient(to: &line)
            line.append(request)
        }
    }

    private func traceReply(_ reply: Reply) {
        self.server.log.trace { line in
            line.append("send ")
            self.appendClient(to: &line)
            line.append("result ")
            line.append(number: Int(reply.error.map { ResultCode($0).rawValue } ?? 0))
            guard !reply.message.isEmpty else { return }
            line.append(" ")
            line.append(text: reply.message)
        }
    }

    private func traceRefusal(_ error: WireError) {
        self.server.log.trace { line in
            line.append("refused ")
            self.appendClient(to: &line)
            line.append(text: error.description)
        }
    }

    func traceConnection(_ event: StaticString) {
        self.server.log.trace { line in
            line.append(event)
            line.append(" ")
            self.appendClient(to: &line)
        }
    }

    /// The client as lvmlockd's log names it: `lvm[1234][5] `.
    private func appendClient(to line: inout LogLine) {
        guard self.label.isEmpty else { return line.append(self.label) }
        let start = line.bytes.count
        if self.name.isEmpty { line.append("client") } else { line.append(text: self.name) }
        line.append("[")
        line.append(number: Int(self.processID))
        line.append("][")
        line.append(number: Int(self.client?.rawValue ?? 0))
        line.append("] ")
        self.label = Array(line.bytes[start...])
    }
}
