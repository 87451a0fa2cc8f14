// SPDX-License-Identifier: Apache-2.0
import Capture

/// The attachments on interfaces of the calling thread's namespace.
enum LiveState {
    /// Returns the number of rstwho's programs on an interface, by TCX, clsact and XDP.
    static func programs(on index: Int32, _ name: String) throws -> Int {
        var count = 0
        for way in PacketWay.allCases {
            count += try AttachedPrograms.tcx(index: index, way: way).count { $0.isOurs }
            let filters = try? command("tc filter show dev \(name) \(way == .ingress ? "ingress" : "egress")")
            count += filters?.split(separator: "\n").count { $0.contains(KernelProgram.prefix) } ?? 0
        }
        return try count + (AttachedPrograms.xdp(index: index).map { $0.isOurs ? 1 : 0 } ?? 0)
    }
}
