// SPDX-License-Identifier: Apache-2.0

/// The operator's description of a device.
package struct KnownDevice: Hashable, Sendable {
    package var name: String
    /// The operator of the device.
    package var owner: String?
    /// Its idle timer, s.
    package var idleTimer: Double?
    /// True where its resets are meant to be: they raise no alert.
    package var isExpected = false

    package init(name: String) {
        self.name = name
    }

    /// As JSON tells it; `nil` without a name.
    package init?(_ name: String?, owner: String?, isExpected: Bool?) {
        guard let name else { return nil }
        self.name = name
        self.owner = owner
        self.isExpected = isExpected ?? false
    }

    /// Its name and whose it is, in a few words.
    package var description: String { owner.map { "\(name), owner \($0)" } ?? name }
}
