# Checks, packages of the publishable crates in the order of their dependencies, and the changelog's section.
release: lint test
    .ci/release

# What CI runs.
ci:
    .ci/run

# Needs nothing but cargo.
test:
    cargo test --workspace

fmt:
    cargo fmt --all

lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

build:
    cargo build -p provision

up *arguments:
    cargo run -q -p provision -- up {{arguments}}

plan *arguments:
    cargo run -q -p provision -- plan {{arguments}}

down *arguments:
    cargo run -q -p provision -- down {{arguments}}

# The emulator that the end-to-end tests run against, pinned, from PyPI, below target/.
emulator:
    .ci/emulator

# The end-to-end tests against an AWS emulator written by others, and against our own.
conformance *arguments: emulator
    .ci/conformance ministack {{arguments}}
    .ci/conformance local-aws {{arguments}}
    .ci/clients
    .ci/differential 5000

# Every call and every fault at it, a thousand interleavings of two runs: minutes instead of seconds.
faults:
    PROVISION_FAULTS=all PROVISION_RACES=1000 PROVISION_CASES=200 cargo test --workspace --test command_line -- --nocapture

# The report of a run in headless Chromium, as wide as a phone and as a desk; screenshots in target/report.
report:
    .ci/report

# docs/tour.md and what is beside it, made again; `just tour --check` compares only.
tour *arguments:
    .ci/tour {{arguments}}

# Every command block of the README and of docs/, run.
documents:
    .ci/documents

# The policies that we print and make, by two databases of AWS's rights.
rights:
    .ci/rights

# The local AWS by itself.
local *arguments:
    cargo run -q -p provision -- local {{arguments}}

# The function and the original, request by request, over the same kind of database.
differential requests="5000":
    .ci/differential {{requests}}

# Wall time of up, up again and down with 60 ms added to every call, against the least it can take.
bench *arguments: emulator
    cargo build --release -p handler
    cargo test --workspace --no-run
    target/debug/bench target/debug/provision target/release/bootstrap {{arguments}}

# Cold and warm times of the function over TLS, beside a bare echo, a linked function, one on the SDK's defaults, and the
# Python original where that is at hand.
bench-handler:
    cargo build --release -p handler
    cargo build --release -p handler --example echo --target-dir target/bench
    cargo build --release -p shop-orders --bin orders --target-dir target/bench
    cargo build --release --locked --manifest-path crates/handler/benches/naive/Cargo.toml --target-dir target/bench
    BOOTSTRAP="$PWD/target/release/bootstrap" ECHO="$PWD/target/bench/release/examples/echo" \
        LINKED="$PWD/target/bench/release/orders" NAIVE="$PWD/target/bench/release/naive" \
        cargo bench -p handler --bench starts --target-dir target/bench

# Starts, invocations, throughput and durability of the local AWS.
bench-local:
    cargo build --release -p handler
    cargo build --release -p local-aws
    cargo test --workspace --no-run
    target/debug/bench_local target/release/local-aws target/debug/provision target/release/bootstrap

# Whole requests to the local AWS under a coverage-guided fuzzer; needs a nightly toolchain and cargo-fuzz.
fuzz-local seconds="600":
    cd crates/local-aws && mkdir -p fuzz/corpus/request && cargo +nightly fuzz run request fuzz/corpus/request fuzz/seeds/request -- -max_total_time={{seconds}} -max_len=16384 -timeout=10

# The request path under a coverage-guided fuzzer; needs a nightly toolchain and cargo-fuzz.
fuzz-handler seconds="600":
    cd crates/handler && mkdir -p fuzz/corpus/request && cargo +nightly fuzz run request fuzz/corpus/request fuzz/seeds/request -- -max_total_time={{seconds}} -max_len=16384 -timeout=10
