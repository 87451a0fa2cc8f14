// SPDX-License-Identifier: Apache-2.0
package import Reporting

extension FleetChanges {
    package func text(_ style: TableStyle) -> String {
        let span = "since \(style.clock.text(since))"
        guard !isEmpty else {
            return "Nothing changed \(span) against the same time before.\n"
                + "Next: for a change that is older, give an earlier --since.\n"
        }
        var text = ""
        if let first = counts.first {
            text =
                "\(first.site.isEmpty ? "All agents" : first.site): \(Self.name(of: first)) went from \(first.before) to "
                + "\(first.now) \(span).\n"
        } else if let origin = newOrigins.first {
            text = "\(origin.name) resets connections \(span) and did not before.\n"
        } else {
            text = "\(agents.count) \(agents.count == 1 ? "agent" : "agents") changed \(span); resets did not.\n"
        }
        text +=
            counts.isEmpty && newOrigins.isEmpty
            ? "Next: `rstwho fleet agents`.\n"
            : "Next: `rstwho fleet resets --since` that time lists the resets, `rstwho fleet origins` the devices.\n"
        text = style.privacy.apply(to: text)
        if !counts.isEmpty {
            var table = Table(
                [
                    .init("site", least: 6), .init("realm", rank: 3), .init("what", least: 12),
                    .init("before", isRight: true), .init("since", isRight: true),
                    .init("sigma", isRight: true, rank: 1),
                ], drawing: style.drawing, privacy: style.privacy)
            for count in counts {
                table.add([
                    count.site, count.realm, Self.name(of: count), "\(count.before)", "\(count.now)",
                    DecimalText.format(count.sigma, digits: 1),
                ])
            }
            text += "\n" + table.text(width: style.width)
        }
        if !newOrigins.isEmpty {
            text += "\nDevices that were first seen to reset connections:\n"
            for origin in newOrigins {
                text +=
                    style.drawing.printable(
                        style.privacy.apply(
                            to: "  \(origin.name): \(origin.resets) resets since \(style.clock.text(origin.first))"))
                    + "\n"
            }
        }
        if !agents.isEmpty {
            text += "\nAgents:\n"
            for change in agents { text += style.drawing.printable("  \(change.agent) \(change.text)") + "\n" }
        }
        return text
    }

    private static func name(of count: Count) -> String {
        count.kind == "path" ? "path problems (\(count.cause))" : "resets by \(count.sender) (\(count.cause))"
    }

    package var lines: String {
        var writer = JSONWriter()
        for count in counts {
            writer.object { json in
                json.member("kind", "fleet_change")
                json.member("realm", count.realm)
                json.member("site", count.site)
                json.member("of", count.kind)
                json.member("sender", count.sender.isEmpty ? nil : count.sender)
                json.member("cause", count.cause)
                json.member("before", count.before)
                json.member("now", count.now)
                json.member("sigma", count.sigma, digits: 2)
            }
            writer.endLine()
        }
        for origin in newOrigins {
            writer.object { json in
                json.member("kind", "fleet_new_origin")
                json.member("realm", origin.realm)
                json.member("name", origin.name)
                json.member("resets", origin.resets)
                json.member("first_seen", Timestamp.text(origin.first))
            }
            writer.endLine()
        }
        for change in agents {
            writer.object { json in
                json.member("kind", "fleet_agent_change")
                json.member("realm", change.realm)
                json.member("agent", change.agent)
                json.member("change", change.name)
            }
            writer.endLine()
        }
        return writer.text
    }
}
