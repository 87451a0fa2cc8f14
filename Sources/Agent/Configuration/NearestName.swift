// SPDX-License-Identifier: Apache-2.0

/// The search for the likely intended name behind a mistyped one.
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

    /// Letters to insert, remove or replace, or to swap with their neighbours (optimal string alignment).
    static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left)
        let right = Array(right)
        var before: [Int] = []
        var last = Array(0...right.count)
        for line in left.indices {
            var row = [line + 1]
            for column in right.indices {
                let replaced = last[column] + (left[line] == right[column] ? 0 : 1)
                var least = min(replaced, last[column + 1] + 1, row[column] + 1)
                if line > 0, column > 0, left[line] == right[column - 1], left[line - 1] == right[column] {
                    least = min(least, before[column - 1] + 1)
                }
                row.append(least)
            }
            before = last
            last = row
        }
        return last[right.count]
    }
}
