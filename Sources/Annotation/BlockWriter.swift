// SPDX-License-Identifier: Apache-2.0
internal import Capture
internal import Packets

/// Writes copied blocks with their comments, and a name resolution block before the first packet of each section.
///
/// Comments come from whoever knows them: `comments` is asked for each packet, in the order of the capture.
final class BlockWriter: CopiedBlockReceiver {
    private let output: AnnotationOutput
    var names: [(address: IPAddress, name: String)] = []
    var comments: (UInt64) -> [[UInt8]] = { _ in [] }
    private var needsNames = false
    /// Comments written so far.
    private(set) var commented: UInt64 = 0
    private(set) var packets: UInt64 = 0
    /// Bytes of the output before the block that is being written.
    private(set) var blockBegin: UInt64 = 0

    init(to output: AnnotationOutput) {
        self.output = output
    }

    func receive(_ block: CopiedBlock) -> Int { write(block, comments: block.isPacket ? comments(block.frame) : []) }

    func write(_ block: CopiedBlock, comments: [[UInt8]]) -> Int {
        if block.kind == .section { needsNames = true }
        if block.isPacket {
            packets += 1
            commented += UInt64(comments.count)
            if needsNames {
                needsNames = false
                if let bytes = NameBlock.bytes(names, isSwapped: block.isSwapped) { output.write(bytes) }
            }
        }
        blockBegin = output.written
        return output.write { block.append(comments: comments, to: &$0) }
    }

    func receiveRest(_ bytes: UnsafeRawBufferPointer) {
        output.write(bytes)
    }
}
