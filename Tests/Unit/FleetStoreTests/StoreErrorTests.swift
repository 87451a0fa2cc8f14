// SPDX-License-Identifier: Apache-2.0
import FleetStore
import Testing

/// The classes of a store's errors.
struct StoreErrorTests {
    @Test func aRefusedRowIsTheBatchsFault() {
        #expect(StoreError.classify(status: 400, code: 27) == .batch)
        #expect(StoreError.classify(status: 500, code: 691) == .batch)
        #expect(StoreError.classify(status: 413, code: nil) == .batch)
    }

    @Test func anAccountIsNot() {
        #expect(StoreError.classify(status: 403, code: 516) == .configuration)
        #expect(StoreError.classify(status: 404, code: 60) == .configuration)
        #expect(StoreError.classify(status: 401, code: nil) == .configuration)
    }

    @Test func everythingElseMayPass() {
        #expect(StoreError.classify(status: 500, code: 252) == .retry)
        #expect(StoreError.classify(status: 503, code: nil) == .retry)
        #expect(StoreError.classify(status: 429, code: nil) == .retry)
        #expect(StoreError.classify(status: 200, code: 159) == .retry)
    }

    @Test func theCodeStandsAtTheBeginning() {
        #expect(StoreError.code(in: "Code: 27. DB::Exception: Cannot parse") == 27)
        #expect(StoreError.code(in: "Code: 81, e.displayText() = DB::Exception") == 81)
        #expect(StoreError.code(in: "{\"text\":\"Code: 27\"}") == nil)
        #expect(StoreError.code(in: "Code: x") == nil)
    }
}
