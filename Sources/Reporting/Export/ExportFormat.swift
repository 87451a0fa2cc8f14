// SPDX-License-Identifier: Apache-2.0
package import Diagnosis

/// The form in which findings leave for a collector of logs.
package enum ExportFormat: String, CaseIterable, Sendable {
    /// RFC 5424 with structured data; the message is the finding's JSON.
    case syslog
    /// The Elastic Common Schema, a JSON object a line.
    case ecs
    /// ArcSight's Common Event Format, after the header of RFC 5424.
    case cef
}

/// The fields of a log message that come from the agent.
package struct ExportSource: Sendable {
    package var host: String
    package var version: String
    package var facility: SyslogFacility

    package init(host: String, version: String, facility: SyslogFacility = .daemon) {
        self.host = host
        self.version = version
        self.facility = facility
    }
}

/// The facilities of RFC 5424, 6.2.1, that a program may use.
package enum SyslogFacility: String, CaseIterable, Sendable {
    case user, daemon, auth, local0, local1, local2, local3, local4, local5, local6, local7

    var number: Int {
        switch self {
        case .user: 1
        case .daemon: 3
        case .auth: 4
        case .local0: 16
        case .local1: 17
        case .local2: 18
        case .local3: 19
        case .local4: 20
        case .local5: 21
        case .local6: 22
        case .local7: 23
        }
    }
}

extension ExportFormat {
    /// A finding as one message, without the transport's framing.
    ///
    /// - `hasHeader`: false for a bare line of a file, where CEF has no header of syslog before it.
    package func message(_ finding: Finding, _ source: ExportSource, hasHeader: Bool = true) -> String {
        switch self {
        case .syslog: return SyslogMessage.text(finding, source)
        case .ecs: return ECSDocument.line(finding, source)
        case .cef:
            let event = CEFEvent.text(finding, source)
            return hasHeader ? SyslogMessage.header(finding, source) + "- " + event : event
        }
    }
}
