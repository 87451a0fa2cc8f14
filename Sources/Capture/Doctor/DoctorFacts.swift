// SPDX-License-Identifier: Apache-2.0

/// The properties of the machine that matter for capture.
///
/// Read by `Doctor`, judged by `DoctorFacts.checks`.
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
        /// The card puts packets together as GRO does (`rx-gro-hw`); `nil` where there is no such offload.
        package var hasHardwareGRO: Bool?
        /// The link's rate, Mbit/s; `nil` where there is none.
        package var megabits: Int?
        /// `rp_filter` as it is in force: 0 off, 1 strict, 2 loose; `nil` where the kernel does not tell.
        package var reversePathFilter: Int?

        package init(
            info: InterfaceInfo, driver: String, receiveQueues: Int = 0, hasLRO: Bool? = nil, stripsVLAN: Bool? = nil,
            hasHardwareGRO: Bool? = nil, megabits: Int? = nil, reversePathFilter: Int? = nil
        ) {
            self.info = info
            self.driver = driver
            self.receiveQueues = receiveQueues
            self.hasLRO = hasLRO
            self.stripsVLAN = stripsVLAN
            self.hasHardwareGRO = hasHardwareGRO
            self.megabits = megabits
            self.reversePathFilter = reversePathFilter
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
    /// Something keeps the clock in step; `nil` where the kernel does not tell.
    package var isClockSynchronised: Bool?
    /// CPUs that are online.
    package var cpus = 1
    /// Bytes of one CPU's ring where nobody asks for another size.
    package var ringBytes = 4 << 20
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
