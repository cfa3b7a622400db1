#!/bin/sh
# Installs the real Claude Code command for the end-to-end tests; the last line of stdout is its path.
#
#   .ci/claude-code.sh            the pinned version, into .cache/claude-code/2.1.329
#   .ci/claude-code.sh 2.1.197    another one beside it: the oldest whose stream we read
#   HARNESS_TEST_CLAUDE=$(.ci/claude-code.sh | tail -n 1) pytest -m e2e
#
# Exit codes: 0 installed, 75 npm or its registry cannot be reached (try again later), 1 anything else.
set -eu

version=${1:-2.1.329}
repository=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
prefix=$repository/.cache/claude-code/$version

say() { printf 'claude-code.sh: %s\n' "$*" >&2; }
give_up() { say "$2"; exit "$1"; }

# The binary is native: the `node` that happens to be installed only decides what npm picks when nothing is pinned.
find_claude() { find "$prefix/node_modules/@anthropic-ai" -path '*/claude-code-*/claude' -type f 2>/dev/null | head -n 1; }

# True when the executable is there and is the version asked for (`2.1.329 (Claude Code)`).
installed() {
    claude=$(find_claude)
    [ -n "$claude" ] && [ "$(DISABLE_AUTOUPDATER=1 "$claude" --version 2>/dev/null)" = "$version (Claude Code)" ]
}

install() {
    command -v npm >/dev/null || give_up 75 "NO CLAUDE CODE: npm is not installed, so the end-to-end tests cannot run"
    mkdir -p "$prefix"
    # Only what was asked for and no script of it: npm asks a person before it runs one, and none is needed.
    npm install --prefix "$prefix" --no-save --ignore-scripts --no-audit --no-fund --loglevel=error \
        --fetch-retries=1 --fetch-timeout=60000 "@anthropic-ai/claude-code@$version" >"$prefix/npm.log" 2>&1 && return
    if grep -Eq 'E(NOTFOUND|AI_AGAIN|CONNREFUSED|CONNRESET|TIMEDOUT|HOSTUNREACH|NETUNREACH|50[0-9]|407)|network|proxy' "$prefix/npm.log"; then
        give_up 75 "NO CLAUDE CODE: npm cannot reach its registry, so the end-to-end tests cannot run ($prefix/npm.log)"
    fi
    cat "$prefix/npm.log" >&2
    give_up 1 "npm could not install @anthropic-ai/claude-code@$version"
}

installed || install
installed || give_up 1 "$prefix has no claude that says \`$version (Claude Code)\`; remove the folder and try again"
say "Claude Code $version"
printf '%s\n' "$claude"
