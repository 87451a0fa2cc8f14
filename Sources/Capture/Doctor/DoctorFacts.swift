// SPDX-License-Identifier: Apache-2.0

/// What the machine is like, as far as capture cares. Read by `Doctor`, judged by `DoctorFacts.checks`.
package struct DoctorFacts: Sendable {
    /// An interface.
    package struct Interface: Sendable, Equatable {
        package var info: InterfaceInfo
        /// The driver's name, for example `ixgbe`; the kind for what has no hardware; empty where neither is known.
        package var driver: String
        /// Receive queues; 0 where the kernel does not tell.
        package var receiveQueues: Int
        /// Large receive offload is on; `nil` where the driver does not tell.
        package var hasLRO: Bool?
        /// The card takes VLAN tags out of received frames; `nil` where the driver does not tell.
        package var stripsVLAN: Bool?

        package init(
            info: InterfaceInfo, driver: String, receiveQueues: Int = 0, hasLRO: Bool? = nil, stripsVLAN: Bool? = nil
        ) {
            self.info = info
            self.driver = driver
            self.receiveQueues = receiveQueues
            self.hasLRO = hasLRO
            self.stripsVLAN = stripsVLAN
        }
    }

    package var kernel: KernelVersion
    /// There is TCX: programs on TC that vanish with their process.
    package var hasTCX: Bool
    /// The kernel's own types are there (`/sys/kernel/btf/vmlinux`).
    package var hasBTF: Bool
    /// The capabilities that are missing.
    package var missingPrivileges: [String]
    /// Why the kernel part does not load; `nil` where it does, or where nobody could try.
    package var loadProblem: CaptureError?
    /// The same for its native XDP programs.
    package var xdpLoadProblem: CaptureError?
    package var interfaces: [Interface]

    package init(
        kernel: KernelVersion, hasTCX: Bool, hasBTF: Bool, missingPrivileges: [String] = [],
        loadProblem: CaptureError? = nil,
        xdpLoadProblem: CaptureError? = nil, interfaces: [Interface] = []
    ) {
        self.kernel = kernel
        self.hasTCX = hasTCX
        self.hasBTF = hasBTF
        self.missingPrivileges = missingPrivileges
        self.loadProblem = loadProblem
        self.xdpLoadProblem = xdpLoadProblem
        self.interfaces = interfaces
    }
}
