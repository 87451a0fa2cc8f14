// SPDX-License-Identifier: Apache-2.0

/// The stored record of an origin: the origin and the key of its further resets.
package struct OriginRecord: Sendable {
    /// The common properties of the resets of one device.
    package struct Key: Hashable, Sendable, Codable {
        package var isThisMachine: Bool
        package var hop: Int?
        package var initialTTL: UInt8
        package var isNumbered: Bool
        package var hasWindow: Bool
        package var dontFragment: Bool
        package var interface: String?
        package var nextHopMAC: String?
    }

    package var key: Key
    package var origin: Origin

    package init(key: Key, origin: Origin) {
        self.key = key
        self.origin = origin
    }
}
