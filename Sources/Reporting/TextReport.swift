// SPDX-License-Identifier: Apache-2.0
package import Diagnosis

package enum TextReport {
    package static func line(_ finding: Finding) -> String { finding.summary }
}
