// SPDX-License-Identifier: Apache-2.0
import BPFHarness
import CPacket
import Fixtures
import Foundation
import Packets

/// A compiled kernel part, and whether its tests can run here.
struct KernelObject: CustomStringConvertible, Sendable {
    var name: String

    /// Built by Debian's clang and by the Swift toolchain's (`make bpf`).
    static let all = [KernelObject(name: "rstwho.bpf.o"), KernelObject(name: "rstwho.bpf.swift-clang.o")]

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
        .deletingLastPathComponent()

    var path: String { Self.root.appending(path: "build/\(name)").path }

    /// Loading programs needs root, and the objects must have been built.
    static var areUsable: Bool {
        geteuid() == 0 && all.allSatisfy { FileManager.default.isReadableFile(atPath: $0.path) }
    }

    /// Whether the object is as new as what it is made of.
    var isFresh: Bool {
        let files = FileManager.default
        func date(_ path: String) -> Date? {
            (try? files.attributesOfItem(atPath: path))?[.modificationDate] as? Date
        }
        let sources = Self.root.appending(path: "bpf").path
        guard let built = date(path), let names = try? files.contentsOfDirectory(atPath: sources) else { return false }
        return names.allSatisfy { name in date("\(sources)/\(name)").map { $0 <= built } ?? false }
    }

    var description: String { name }
}

/// The loaded programs of one object, run with single frames.
struct KernelPrograms: ~Copyable {
    struct LoadFailure: Error, CustomStringConvertible {
        var description: String
    }

    private let harness: OpaquePointer

    /// - `isPreemptible`: as on PREEMPT_RT, where programs of a CPU may interrupt each other.
    init(_ object: KernelObject, isPreemptible: Bool = false) throws(LoadFailure) {
        var message = [CChar](repeating: 0, count: 512)
        guard let harness = harness_open_as(object.path, isPreemptible, &message, message.count) else {
            let text = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            throw LoadFailure(description: String(decoding: text, as: UTF8.self))
        }
        self.harness = harness
    }

    deinit {
        harness_close(harness)
    }

    static var all: [harness_program] {
        (0..<HARNESS_PROGRAM_COUNT.rawValue).map { harness_program(rawValue: $0) }
    }

    static func name(_ program: harness_program) -> String { String(cString: harness_program_name(program)) }

    func verifiedInstructions(_ program: harness_program) -> UInt32 { harness_verified_instructions(harness, program) }

    /// Lets the programs work for so many jiffies; 0 ends the lease.
    func renewLease(ticks: UInt64) -> Bool { harness_renew_lease(harness, ticks) == 0 }

    /// Returns the outcome of the frame, or `nil` if the kernel does not accept such a frame for a test run.
    func run(_ program: harness_program, _ bytes: UnsafeBufferPointer<UInt8>) -> harness_result? {
        var result = harness_result()
        guard harness_run(harness, program, bytes.baseAddress, UInt32(bytes.count), &result) == 0 else { return nil }
        return result
    }

    /// The same at TC egress, for a packet that arrived on an interface.
    func runForwarded(_ bytes: [UInt8]) -> harness_result? {
        var result = harness_result()
        guard harness_run_forwarded(harness, bytes, UInt32(bytes.count), &result) == 0 else { return nil }
        return result
    }

    /// Puts the flows of a bit into focus, or takes them out.
    func focus(_ bit: UInt32, isOn: Bool = true) -> Bool { harness_focus(harness, bit, isOn) == 0 }

    /// Takes all rings, as a program does while it looks at a packet, or lets them go.
    func holdRings(_ isHeld: Bool) -> Bool { harness_hold_rings(harness, isHeld) == 0 }

    /// Gives flows up by masks of their hash; 0 keeps all.
    func shed(bulk: UInt32, handshakes: UInt32 = 0) -> Bool { harness_shed(harness, bulk, handshakes) == 0 }

    func run(_ program: harness_program, _ bytes: [UInt8]) -> harness_result? {
        bytes.withUnsafeBufferPointer { run(program, $0) }
    }
}
