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

# The end-to-end tests against an AWS emulator written by others.
conformance *arguments: emulator
    cargo build --release -p handler
    PROVISION_TEST_BOOTSTRAP="$PWD/target/release/bootstrap" cargo test --workspace --test conformance -- --ignored {{arguments}}
    .ci/differential 5000

# The function and the original, request by request, over the same kind of database.
differential requests="5000":
    .ci/differential {{requests}}

# Wall time of up, up again and down with 60 ms added to every call, against the least it can take.
bench *arguments: emulator
    cargo build --release -p handler
    cargo build --workspace --bins
    target/debug/bench target/debug/provision target/release/bootstrap {{arguments}}

# Cold and warm times of the function over TLS, beside a bare echo and the Python original where that is at hand.
bench-handler:
    cargo build --release -p handler
    cargo build --release -p handler --example echo --target-dir target/bench
    BOOTSTRAP="$PWD/target/release/bootstrap" ECHO="$PWD/target/bench/release/examples/echo" cargo bench -p handler --bench starts --target-dir target/bench

# The request path under a coverage-guided fuzzer; needs a nightly toolchain and cargo-fuzz.
fuzz-handler seconds="600":
    cd crates/handler && mkdir -p fuzz/corpus/request && cargo +nightly fuzz run request fuzz/corpus/request fuzz/seeds/request -- -max_total_time={{seconds}} -max_len=16384 -timeout=10
