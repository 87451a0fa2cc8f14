// SPDX-License-Identifier: Apache-2.0
import Reporting

/// One tool that `rstwho mcp` offers: a command of this program, its arguments as a client gives them, and the words
/// that it runs with.
struct MCPTool: Sendable {
    /// An argument of a tool.
    struct Argument: Sendable {
        enum Kind: Sendable {
            case text
            /// A capture or a text, below the directory that the session may read.
            case file
            /// Captures by the names of their points.
            case files
        }

        var name: String
        var kind: Kind
        var isRequired: Bool
        var meaning: String
    }

    var name: String
    var purpose: String
    var arguments: [Argument]
    /// The words of the command, from the arguments with their files resolved.
    var words: @Sendable ([String: String], _ files: [(name: String, path: String)]) -> [String]

    private static let file = Argument(
        name: "file", kind: .file, isRequired: false,
        meaning: "A capture, or the text of a packet printer. Without it the running agent is asked.")

    private static func from(_ values: [String: String]) -> [String] { values["file"].map { ["--from", $0] } ?? [] }

    /// All tools; none of them changes anything.
    static let all: [MCPTool] = [
        MCPTool(
            name: "read",
            purpose:
                "Names the real sender of each TCP reset in a capture or a pasted text, and finds connections that stall. "
                + "One JSON object a finding; see docs/findings.md.",
            arguments: [
                Argument(
                    name: "file", kind: .file, isRequired: true,
                    meaning:
                        "A capture (pcap, pcapng and others, also compressed), or the text of tcpdump -v and the like.")
            ]
        ) { values, _ in ["read", "--format", "json", "--no-follow", values["file"] ?? ""] },
        MCPTool(
            name: "explain",
            purpose:
                "Explains everything known about a connection, an address or a finding: the sender, the evidence for and "
                + "against, and the next step.",
            arguments: [
                Argument(
                    name: "question", kind: .text, isRequired: true,
                    meaning: "ADDRESS, ADDRESS:PORT, \"A:p > B:q\", a finding's id, or a line of another tool."),
                file,
            ]
        ) { values, _ in ["explain"] + from(values) + ["--", values["question"] ?? ""] },
        MCPTool(
            name: "compare",
            purpose: "Finds packets that vanish or appear between captures of the same traffic at several points.",
            arguments: [
                Argument(
                    name: "captures", kind: .files, isRequired: true,
                    meaning: "An object: the name of each point and its capture, in the order of the path.")
            ]
        ) { _, files in ["compare"] + files.map { "\($0.name)=\($0.path)" } },
        MCPTool(
            name: "hosts", purpose: "Lists hosts and how many hops away they are, with the basis of each distance.",
            arguments: [
                Argument(name: "prefix", kind: .text, isRequired: false, meaning: "Only hosts of it: 10.4.0.0/16."),
                file,
            ]
        ) { values, _ in
            ["hosts", "--format", "json"] + from(values) + (values["prefix"].map { ["--prefix=\($0)"] } ?? [])
        },
        MCPTool(
            name: "origins",
            purpose: "Lists devices that reset connections between others: firewalls, balancers, NATs.",
            arguments: [file]
        ) { values, _ in ["origins", "--format", "json"] + from(values) },
        MCPTool(
            name: "resets", purpose: "Lists resets and their senders, as the running agent or a capture has them.",
            arguments: [file]
        ) { values, _ in ["resets", "--format", "json"] + from(values) },
    ]

    /// Writes the tool as `tools/list` has it.
    func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("name", name)
            json.member("description", purpose)
            json.member("inputSchema") { $0.object(writeSchema) }
            json.member("annotations") { json in
                json.object { json in
                    json.member("readOnlyHint", true)
                    json.member("openWorldHint", false)
                }
            }
        }
    }

    private func writeSchema(_ json: inout JSONWriter) {
        json.member("type", "object")
        json.member("properties") { json in
            json.object { json in
                for argument in arguments {
                    json.member(argument.name) { json in
                        json.object { json in
                            json.member("type", argument.kind == .files ? "object" : "string")
                            if argument.kind == .files {
                                json.member("additionalProperties") { $0.object { $0.member("type", "string") } }
                            }
                            json.member("description", argument.meaning)
                        }
                    }
                }
            }
        }
        json.member("required") { json in
            json.array { json in for argument in arguments where argument.isRequired { json.string(argument.name) } }
        }
        json.member("additionalProperties", false)
    }
}
