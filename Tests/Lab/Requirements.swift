// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc

/// The lab's requirements on the machine.
enum Requirements {
    static let reason: String = "the lab needs root and ip, nft, ethtool, sysctl, tcpdump, ping, nc, ssh (make deps)"

    static let areMet: Bool = geteuid() == 0 && missing.isEmpty

    static let missing: [String] = ["ip", "nft", "ethtool", "sysctl", "tcpdump", "ping", "nc", "ssh"].filter {
        !has($0)
    }

    /// True where a program is to be found.
    static func has(_ tool: String) -> Bool {
        (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin:/usr/sbin:/sbin").split(separator: ":")
            .contains { access("\($0)/\(tool)", X_OK) == 0 }
    }

    /// Returns the path of a product of the same build, hence of the same sources.
    static func built(_ product: String) -> String {
        let ours = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(filePath: ours).deletingLastPathComponent().appending(path: product).path
    }
}
