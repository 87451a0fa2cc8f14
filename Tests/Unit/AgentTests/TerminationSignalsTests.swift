// SPDX-License-Identifier: Apache-2.0
import Agent
import Glibc
import Testing

struct TerminationSignalsTests {
    @Test("a hang-up ends the agent, but not where it is ignored as under nohup")
    func hangup() {
        let before = signal(SIGHUP, SIG_DFL)
        defer { signal(SIGHUP, before) }
        #expect(TerminationSignals.numbers == [SIGINT, SIGTERM, SIGHUP])
        signal(SIGHUP, SIG_IGN)
        #expect(TerminationSignals.numbers == [SIGINT, SIGTERM])
    }
}
