// SPDX-License-Identifier: Apache-2.0

/// One thing that `doctor` looked at.
package struct DoctorCheck: Sendable, Equatable {
    package enum Status: String, CaseIterable, Sendable {
        /// Nothing stands in the way.
        case ok
        /// Capture works, but something is worth knowing first.
        case warn
        /// Capture with the default hook does not work before this is cured.
        case fail
    }

    package var name: String
    package var status: Status
    /// The interface that it is about; `nil` for the machine.
    package var interface: String?
    /// The result, as a sentence without its full stop.
    package var text: String
    /// The remedy, as a sentence; absent if none is needed.
    package var cure: String?

    package init(_ name: String, _ status: Status, interface: String? = nil, text: String, cure: String? = nil) {
        self.name = name
        self.status = status
        self.interface = interface
        self.text = text
        self.cure = cure
    }
}
