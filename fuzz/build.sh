#!/usr/bin/env bash
# Builds every target into $OUT, each with its corpus and dictionary, as ClusterFuzzLite wants them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
: "${OUT:?where to put the targets}"

cargo fuzz build --release
for source in fuzz_targets/*.rs; do
    target=$(basename "$source" .rs)
    cp "target/x86_64-unknown-linux-gnu/release/$target" "$OUT/"
    (cd "corpus/$target" && zip -q -r "$OUT/${target}_seed_corpus.zip" .)
    if [ -f "dictionary/$target.dict" ]; then
        cp "dictionary/$target.dict" "$OUT/"
    fi
done
