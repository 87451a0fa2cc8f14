// SPDX-License-Identifier: Apache-2.0
internal import Explanation

/// The targets of fuzzing.
///
/// Each takes any bytes and must neither trap nor break the rules that its check asserts.
package enum FuzzCase: String, CaseIterable, Sendable {
    /// The host build of the header parser.
    case frame
    case pcap
    case pcapng
    /// gzip and zstd around either.
    case compressed
    /// The output of `tcpdump -v`.
    case text
    /// The text pasted into `rstwho explain`.
    case question
    /// The contents of rstwho.yaml or devices.yaml.
    case yaml

    /// Runs the code under test.
    ///
    /// Returns the rule that was broken, or `nil`.
    package func check(_ bytes: UnsafeRawBufferPointer) -> String? {
        switch self {
        case .frame: Self.checkFrame(bytes)
        case .pcap, .pcapng, .compressed: Self.checkCapture(bytes)
        case .text: Self.checkText(bytes)
        case .question: Self.checkQuestion(bytes)
        case .yaml: Self.checkYAML(bytes)
        }
    }
}
