// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Keeps the structure that holds it at one address.
///
/// Swift copies a large structure of plain values to the stack for each call that borrows it: 528 bytes of
/// `EngineContext`, 2,096 of `Engine`, several times a packet. An atomic has an address of its own, so whatever holds
/// one is passed by reference.
struct InPlace: ~Copyable {
    private let address = Atomic<UInt8>(0)
}
