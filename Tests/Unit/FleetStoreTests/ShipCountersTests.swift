// SPDX-License-Identifier: Apache-2.0
import FleetStore
import Testing

/// The counters of `rstwho ship`.
struct ShipCountersTests {
    @Test func everySampleIsThereFromTheBeginning() {
        let text = ShipCounters().text
        #expect(text.contains("rstwho_ship_batches_total{table=\"findings\"} 0\n"))
        #expect(text.contains("rstwho_ship_failures_total{class=\"configuration\"} 0\n"))
        #expect(text.contains("# TYPE rstwho_ship_spool_seconds gauge\nrstwho_ship_spool_seconds 0\n"))
    }

    @Test func failuresAreCountedByTheirClass() {
        var counters = ShipCounters()
        counters.fail(.configuration)
        counters.fail(.configuration)
        counters.fail(.retry)
        #expect(counters.text.contains("{class=\"configuration\"} 2\n"))
        #expect(counters.text.contains("{class=\"retry\"} 1\n"))
        #expect(counters.text.contains("{class=\"batch\"} 0\n"))
    }
}
