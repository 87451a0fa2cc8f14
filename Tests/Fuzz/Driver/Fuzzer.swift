// SPDX-License-Identifier: Apache-2.0
import FuzzCases
import Glibc

// libFuzzer's own main (compiler-rt, fuzzer/FuzzerInterface.h).
@_silgen_name("LLVMFuzzerRunDriver")
func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// The fuzz target, named by the environment because libFuzzer takes all arguments.
let fuzzed = getenv("RSTWHO_FUZZ_CASE").flatMap { FuzzCase(rawValue: String(cString: $0)) }

/// `rstwhofuzz --seeds DIRECTORY` writes the inputs to begin from; everything else is libFuzzer's.
@_cdecl("rstwhofuzz_main")
func fuzzerMain(count: CInt, arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
    guard let chosen = fuzzed else {
        say("RSTWHO_FUZZ_CASE names one of \(FuzzCase.allCases.map(\.rawValue))")
        return 64
    }
    if count == 3, let option = arguments[1], let directory = arguments[2], String(cString: option) == "--seeds" {
        return writeSeeds(chosen, to: String(cString: directory))
    }
    var count = count
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = arguments
    return runDriver(&count, &arguments) { bytes, length in
        if let problem = fuzzed?.check(UnsafeRawBufferPointer(start: bytes, count: length)) {
            say("broken rule: \(problem)")
            abort()
        }
        return 0
    }
}

private func say(_ sentence: String) {
    let line = Array("\(sentence)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
}

private func writeSeeds(_ fuzzed: FuzzCase, to directory: String) -> CInt {
    for (index, seed) in fuzzed.seeds.enumerated() {
        guard let file = fopen("\(directory)/\(fuzzed.rawValue)-\(index)", "w") else { return 74 }
        fwrite(seed, 1, seed.count, file)
        fclose(file)
    }
    return 0
}
