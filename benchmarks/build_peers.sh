#!/usr/bin/env bash
# Puts the programs that this one is compared with into DIR, for `BENCHMARK_PEERS=DIR python -m benchmarks`.
# Usage: benchmarks/build_peers.sh DIR [restic|kopia|borg|rustic ...]      (default: all; rustic takes half an hour on two cores)
# Needs go (restic, kopia), python3 with venv and a C compiler (borg), cargo (rustic). What cannot be had is skipped with a word; restic
# never is: the newest version that builds, else the distribution's.
set -uo pipefail
target=$(realpath -m "${1:?usage: benchmarks/build_peers.sh DIR [PEER ...]}"); shift
[ $# -gt 0 ] || set -- restic kopia borg rustic
mkdir -p "$target"
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT

# go_program NAME PACKAGE MODULE VERSION: built into the target. A module of our own that requires it, because `go install
# package@version` asks for lists that a proxy may not have.
go_program() {
  local place="$work/$1-$4"
  mkdir "$place" && cd "$place" || return 1
  printf '//go:build tools\npackage peer\nimport _ "%s"\n' "$2" >peer.go
  go mod init peer >/dev/null 2>&1 && go mod edit -require="$3@$4" && GOSUMDB=off GOFLAGS=-mod=mod go build -o "$target/$1" "$2"
}

# newest_go NAME PACKAGE MODULE VERSION...: the first that builds
newest_go() {
  local name="$1" package="$2" module="$3" version
  shift 3
  command -v go >/dev/null || return 1
  for version in "$@"; do
    go_program "$name" "$package" "$module" "$version" >"$work/log" 2>&1 && return 0
    echo "$name $version does not build here: $(tail -n 1 "$work/log")" >&2
  done
  return 1
}

peer_restic() {
  newest_go restic github.com/restic/restic/cmd/restic github.com/restic/restic v0.19.1 v0.19.0 v0.18.1 && return 0
  echo "restic: using the one of the distribution" >&2
  command -v restic >/dev/null || apt-get install -y -q restic >&2 || return 1
  ln -sf "$(command -v restic)" "$target/restic"
}

peer_kopia() {
  newest_go kopia github.com/kopia/kopia github.com/kopia/kopia v0.23.1 v0.23.0 v0.22.3 v0.21.1
}

peer_borg() {
  local missing=()
  for name in libacl libssl libcrypto liblz4 libzstd libxxhash; do pkg-config --exists "$name" 2>/dev/null || missing+=("$name"); done
  if [ ${#missing[@]} -gt 0 ]; then
    apt-get update -q >/dev/null 2>&1
    apt-get install -y -q libacl1-dev libssl-dev liblz4-dev libzstd-dev libxxhash-dev pkg-config >"$work/log" 2>&1
  fi
  rm -rf "$target/borg-environment"
  python3 -m venv "$target/borg-environment" && "$target/borg-environment/bin/pip" install -q 'borgbackup>=1.4,<1.5' || return 1
  ln -sf borg-environment/bin/borg "$target/borg"
}

peer_rustic() {
  command -v cargo >/dev/null || return 1
  local version
  for version in '' 0.11.2 0.10.3 0.9.5; do
    nice -n 19 cargo install rustic-rs ${version:+--version "$version"} --locked --root "$work/rustic" --target-dir "$work/rustic-target" \
      >"$work/log" 2>&1 && cp "$work/rustic/bin/rustic" "$target/rustic" && return 0
    echo "rustic ${version:-(newest)} does not build here: $(tail -n 1 "$work/log")" >&2
  done
  return 1
}

status=0
for peer in "$@"; do
  if "peer_$peer"; then
    echo "$peer: $target/$peer"
  else
    echo "$peer: cannot be had here, left out" >&2
    [ "$peer" != restic ] || status=1
  fi
done
exit $status
