// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// This machine's own addresses as packets are looked at: after a change both the old and the new ones, until the batch
/// that may hold packets of both is over.
struct OwnAddresses {
    private var addresses: Set<IPAddress>
    /// The addresses from the end of the next batch on.
    private var next: Set<IPAddress>?

    init(_ addresses: Set<IPAddress>) {
        self.addresses = addresses
    }

    func contains(_ address: IPAddress) -> Bool { addresses.contains(address) }

    /// Takes other addresses.
    ///
    /// What was sent with one that has gone since was this machine's own, too.
    mutating func change(to new: Set<IPAddress>) {
        addresses.formUnion(new)
        next = new
    }

    /// Ends a batch.
    mutating func settle() {
        guard let next else { return }
        addresses = next
        self.next = nil
    }
}
