// SPDX-License-Identifier: Apache-2.0

/// What decides whether and how this machine can capture live. Read once by `measure`; what follows from it is said by
/// `checks`, which touches nothing.
package struct CaptureFacts: Sendable {
    /// Something that was asked of the kernel: it can need a privilege that is missing.
    package enum Answer: Sendable, Equatable {
        case yes
        case no
        case unknown
    }

    /// Of one interface.
    package struct Interface: Sendable, Equatable {
        package var info: InterfaceInfo
        /// The driver's name; empty where the interface does not tell.
        package var driver = ""
        package var hasGRO = false
        package var hasLRO = false
        /// The device takes VLAN tags out of the bytes.
        package var takesTagsOut = false
        package var xdpProgram: AttachedPrograms.Program?

        package init(info: InterfaceInfo) {
            self.info = info
        }
    }

    package var kernel = KernelVersion(0, 0)
    package var missingPrivileges: [String] = []
    package var hasRingBuffer = Answer.unknown
    package var hasTCX = Answer.unknown
    package var hasBTF = false
    /// Why the kernel part does not load; `nil` if it does, or if the privilege to try is missing.
    package var loadProblem: String?
    package var onlineCPUs = 1
    package var interfaces: [Interface] = []
    /// Why the interfaces that were asked for cannot be watched.
    package var selectionProblem: CaptureError?

    package init() {}
}
