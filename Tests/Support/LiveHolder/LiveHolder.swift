// SPDX-License-Identifier: Apache-2.0
import Capture
import Glibc

/// Captures on an interface until it is killed: `live-holder INTERFACE tcx|clsact|xdp|xdpGeneric`.
///
/// Writes one byte to standard output once it captures.
@main
enum LiveHolder {
    static func main() {
        let arguments = CommandLine.arguments
        guard arguments.count == 3 else { exit(64) }
        var options = LiveCapture.Options(interfaces: [arguments[1]])
        options.ringBytes = 65_536
        options.allowsTCX = arguments[2] != "clsact"
        options.hook = arguments[2] == "xdp" ? .xdp : arguments[2] == "xdpGeneric" ? .xdpGeneric : .tc
        do {
            let capture = try LiveCapture(options)
            var byte: UInt8 = 1
            guard write(STDOUT_FILENO, &byte, 1) == 1 else { exit(74) }
            _ = try capture.run { _ in }
        } catch {
            print(error)
            exit(1)
        }
    }
}
