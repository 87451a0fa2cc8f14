// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Packets

/// The kernel part's thresholds (`bpf/shedding.h`).
struct SheddingMap {
    /// The descriptor of the map `shedding`; it belongs to the object it was loaded with.
    let map: Int32

    func write(_ levels: SheddingLevels) throws(CaptureError) {
        var key: UInt32 = 0
        var value = packet_shedding()
        value.cut.0 = levels.cut(.bulk)
        value.cut.1 = levels.cut(.handshake)
        let failed = bpf_map_update_elem(map, &key, &value, UInt64(BPF_ANY))
        guard failed == 0 else {
            throw CaptureError(
                .unavailable, subject: "the kernel part",
                problem: "what it sheds cannot be set: \(SystemError.text(-failed))", errno: -failed)
        }
    }
}
