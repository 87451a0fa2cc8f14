// SPDX-License-Identifier: Apache-2.0
internal import CPacket

/// The interfaces that a text of `-i any` names, by the record's slot.
///
/// The 32nd and later share the last slot, which then has no name.
struct TextInterfaces {
    private(set) var names: [UInt8: String] = [:]
    private var slots: [String: UInt8] = [:]

    mutating func slot(of name: TextCursor) -> UInt8 {
        let last = UInt8(PACKET_INTERFACE_SLOT_MASK)
        let text = name.text
        if let known = slots[text] { return known }
        guard slots.count < Int(last) else { return last }
        let slot = UInt8(slots.count)
        slots[text] = slot
        names[slot] = text
        return slot
    }
}
