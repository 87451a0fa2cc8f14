// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
package import Packets

// How a place is named in sentences: by the operator's name with the address behind it, then by the name alone; who
// runs it is asked by the operator's name for them.

extension Finding {
    /// `address` in a sentence: `web1 (10.4.0.2)`, or as it is shown.
    package func called(_ address: IPAddress) -> String { places.called(address, text(address)) }
}

extension PlaceNames {
    /// - `text`: the address as it is shown, with its port where that belongs to it.
    func called(_ address: IPAddress, _ text: String) -> String {
        addresses[address].map { "\($0.name) (\(text))" } ?? text
    }

    /// The same in a drawing, where parentheses hold what is said of it.
    package func drawn(_ address: IPAddress, _ text: String) -> String {
        addresses[address].map { "\($0.name) \(text)" } ?? text
    }

    /// Sentences in which each place has its address once only.
    package func brief(_ sentences: String) -> String { brief([sentences])[0] }

    /// The same over several sentences that are read one after the other.
    func brief(_ sentences: [String]) -> [String] {
        addresses.reduce(sentences) { sentences, place in
            let whole = place.value.name + " (\(place.key))"
            var isNamed = false
            return sentences.map { sentence in
                guard !isNamed else { return sentence.replacing(whole, with: place.value.name) }
                guard let first = sentence.firstRange(of: whole) else { return sentence }
                isNamed = true
                let rest = String(sentence[first.upperBound...]).replacing(whole, with: place.value.name)
                return sentence[..<first.upperBound] + rest
            }
        }
    }

    /// Sentences of what to do, with the people to ask about the places that they mention.
    func withOwners(_ sentences: String) -> String {
        contact(in: sentences).map { "\(sentences) \($0)" } ?? sentences
    }

    /// The sentence that names the people to ask about the places in `sentences`; `nil` where there are none.
    func contact(in sentences: String) -> String? {
        let mentioned = addresses.compactMap { address, device -> (place: String.Index, name: String, owner: String)? in
            guard let owner = device.owner, !sentences.contains(owner),
                let range = sentences.firstRange(of: "\(device.name) (\(address))")
            else { return nil }
            return (range.lowerBound, device.name, owner)
        }
        let asked = mentioned.sorted { $0.place < $1.place }.map { "\($0.owner) about \($0.name)" }
        return asked.isEmpty ? nil : "Ask \(asked.joined(separator: ", "))."
    }

    /// A sentence of the engine's, which knows no names.
    package func naming(_ sentence: String) -> String {
        guard !addresses.isEmpty else { return sentence }
        return brief(
            AddressText.replacing(in: sentence) { found in
                guard case .address(let address) = found else { return nil }
                return called(address, address.description)
            })
    }
}

/// Whom to ask of something.
package enum Contact {
    /// `netops, who runs fw1 at hop 2`, or `whoever runs the device at hop 2`.
    package static func of(_ what: String, _ device: KnownDevice?) -> String {
        device?.owner.map { "\($0), who runs \(what)" } ?? "whoever runs \(what)"
    }

    /// A sentence that asks them.
    ///
    /// - `question`: `to check its policy`; `nil` where there is nothing particular to ask.
    static func ask(_ what: String, _ device: KnownDevice?, _ question: String? = nil) -> String {
        let comma = question != nil && device?.owner != nil ? "," : ""
        return "Ask \(of(what, device))\(comma)\(question.map { " " + $0 } ?? "")."
    }
}
