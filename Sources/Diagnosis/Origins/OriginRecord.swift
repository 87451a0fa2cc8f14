// SPDX-License-Identifier: Apache-2.0

/// What is kept of an origin over a restart: the origin and what its further resets are known by.
package struct OriginRecord: Sendable {
    /// What the resets of one device have in common.
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
