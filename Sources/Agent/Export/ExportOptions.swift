// SPDX-License-Identifier: Apache-2.0
package import Reporting

/// The settings of exported findings.
package struct ExportOptions: Sendable, Equatable {
    package var target = ExportTarget.off
    package var format = ExportFormat.syslog
    package var facility = SyslogFacility.daemon
    /// True where only findings leave that somebody has to look into.
    package var isProblemsOnly = false
    package var addresses = AddressPrivacy.Kind.full
    /// Findings that wait for the target at most.
    package var queue = 10_000

    package init() {}
}
