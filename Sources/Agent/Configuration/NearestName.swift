// SPDX-License-Identifier: Apache-2.0

/// What somebody meant who mistyped a name.
enum NearestName {
    /// Longer names are nobody's typing error.
    private static let longest = 64

    /// The one of `candidates` that `name` differs from in few letters; `nil` where none is near.
    static func of(_ name: String, among candidates: [String]) -> String? {
        guard name.count <= longest else { return nil }
        let allowed = max(1, name.count / 3)
        let distances = candidates.map { (distance(name, $0), $0) }.filter { $0.0 <= allowed }
        return distances.min { $0.0 < $1.0 }?.1
    }

    /// Letters to insert, remove or replace (Levenshtein's distance).
    static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right)
        var row = Array(0...right.count)
        for (line, letter) in left.enumerated() {
            var diagonal = row[0]
            row[0] = line + 1
            for (column, other) in right.enumerated() {
                let replaced = diagonal + (letter == other ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, row[column] + 1, diagonal + 1)
            }
        }
        return row[right.count]
    }
}
