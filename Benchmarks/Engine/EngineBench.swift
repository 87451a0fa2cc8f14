// SPDX-License-Identifier: Apache-2.0
import Diagnosis

/// The benchmark of the engine on one core.
///
/// Prints one figure a line: name, value, unit.
///
/// `engine-bench [--records N] [CASE…]`; without a case it measures all, and `--list` names them.
@main
enum EngineBench {
    static func main() {
        var records = 4 << 20
        var names: [String] = []
        var arguments = CommandLine.arguments.dropFirst()
        while let argument = arguments.popFirst() {
            switch argument {
            case "--records": records = arguments.popFirst().flatMap { Int($0) } ?? records
            case "--list":
                print(EngineCase.all.map(\.name).joined(separator: "\n"))
                return
            default: names.append(argument)
            }
        }
        for test in EngineCase.all where names.isEmpty || names.contains(test.name) { test.run(records: records) }
        let (flow, host) = Engine.entryBytes
        print("engine.memory.flow \(flow) bytes")
        print("engine.memory.host \(host) bytes")
    }
}
