# The commands of the README.

# List the recipes
default:
    @just --list

# Fly the bundled launch against its simulated target
rehearse *ARGS:
    cargo run --release -- rehearse {{ARGS}}

# Open a plan
run *ARGS:
    cargo run --release -- run {{ARGS}}

# Every test, on stable cargo alone
test *ARGS:
    cargo test {{ARGS}}

# What must hold before a change is taken
ci:
    .ci/run

# A thousand kills, at any instant and at every named boundary (`cargo test` makes two hundred)
crash *ARGS:
    TMINUS_CRASH_KILLS=1000 cargo test --test crash -- --nocapture {{ARGS}}

fmt:
    cargo fmt

clippy:
    cargo clippy --all-targets -- -D warnings

# Write the generated pages again; `cargo test` fails while they are stale
docs:
    TMINUS_WRITE_DOCS=1 cargo test --test docs

# The README's picture, from a real screen: a rehearsal that is held while its target goes down. Needs tmux
screen:
    #!/usr/bin/env bash
    set -euo pipefail
    cargo build
    folder=$(mktemp -d)
    pane() { tmux -L "tminus-$$" "$@"; }
    trap 'pane kill-server; sleep 2; rm -rf "$folder"' EXIT
    pane -f /dev/null new-session -d -x 120 -y 36 \
        "target/debug/tminus rehearse --launch $folder/launch --speed 200 --name operator --fault down@T-46m"
    for _ in $(seq 90); do
        pane capture-pane -p | grep -q HOLDING && break
        sleep 1
    done
    # To a line with something to show; and the monitors' strips fill.
    pane send-keys j j j j j j
    sleep 8
    pane capture-pane -e -N -p | python3 assets/screen-to-svg.py >assets/console.svg

# docs/walkthrough.md again: flies its launch in a real console, six minutes. Needs tmux and python3
walkthrough:
    cargo build
    python3 assets/walkthrough.py target/debug/tminus

# The demo: a rehearsal recorded as a cast, and its scenes as one SVG made from the cast. Needs tmux and python3
demo:
    cargo build
    python3 assets/demo.py target/debug/tminus assets/demo.cast
    python3 assets/cast-to-svg.py assets/demo.cast >assets/demo.svg

# Licences, bans, sources, advisories (advisories need the network)
deny:
    command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
    cargo deny check licenses bans sources
    cargo deny check advisories || echo "advisories: not checked"

# Our figures beside the peers', as ratios of medians over interleaved rounds
bench *ARGS: hurl
    cargo bench --profile release --bench gate -- {{ARGS}}
    cargo bench --profile release --bench console -- {{ARGS}}
    cargo bench --profile release --bench journal
    cargo bench --profile release --bench bundle
    cargo bench --profile release --bench rollback
    cargo bench --profile release --bench watching

# hurl, the peer of `tminus gate`: from crates.io, with libxml2 and libcurl from the system
[private]
hurl:
    #!/usr/bin/env bash
    set -euo pipefail
    command -v hurl >/dev/null && exit 0
    for library in libxml-2.0 libcurl; do
        if ! pkg-config --exists "$library" 2>/dev/null; then
            echo "hurl is not compared: it needs pkg-config and $library" >&2
            echo "  apt-get install -y pkg-config libclang-dev libxml2-dev libcurl4-openssl-dev libssl-dev" >&2
            exit 0
        fi
    done
    cargo install --locked hurl || echo "hurl is not compared: it did not build" >&2
