#!/usr/bin/env bash
# Builds the newest restic that the Go module proxy can give into DIR, for `BENCHMARK_PEERS=DIR python -m benchmarks`.
# Usage: benchmarks/build_restic.sh DIR [VERSION ...]
set -euo pipefail
target=$(realpath -m "$1"); shift
[ $# -gt 0 ] || set -- v0.19.1 v0.19.0 v0.18.1
mkdir -p "$target"
for version in "$@"; do
  work=$(mktemp -d)
  # A module of our own that requires it: `go install module@version` asks for lists that a proxy may not have.
  if (cd "$work" && go mod init peer >/dev/null 2>&1 && go mod edit -require="github.com/restic/restic@$version" &&
      printf 'package peer\nimport _ "github.com/restic/restic/cmd/restic"\n' >peer.go && sed -i '1i //go:build tools\n' peer.go &&
      GOSUMDB=off GOFLAGS=-mod=mod go build -o "$target/restic" github.com/restic/restic/cmd/restic); then
    rm -rf "$work"
    "$target/restic" version
    exit 0
  fi
  rm -rf "$work"
  echo "restic $version cannot be built here" >&2
done
exit 1
