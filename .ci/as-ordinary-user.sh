#!/usr/bin/env bash
# Runs README's test command once as an ordinary user: in a clone of their own, with a home that holds nothing.
# Where CI is root it makes such a user and removes it again. Ends with 75 where there can be none: that is told loudly.
set -euo pipefail
cd "$(dirname "$0")/.."
tests=$(sed -n 's/^\$ \(.*pytest.*\)$/\1/p' README.md | head -n 1)
[ "$(id -u)" -eq 0 ] || exit 75  # whoever runs this is one already, and ran it

name=harness-ci-$$
command -v useradd >/dev/null || exit 75
useradd --create-home "$name"
trap 'userdel --remove "$name" >/dev/null 2>&1 || true' EXIT
home=$(getent passwd "$name" | cut -d: -f6)

# A Python that this user can run: root's own may lie in root's home.
can_run() { [ -n "$1" ] && runuser -u "$name" -- "$1" -c 'import sys, venv, ensurepip; assert sys.version_info >= (3, 11)'; }
python=""
for one in $(command -v python3.11 python3.12 python3.13 python3 || true) /usr/bin/python3; do
    if (cd / && can_run "$one") 2>/dev/null; then python=$one; break; fi
done
if [ -z "$python" ] && command -v apt-get >/dev/null; then
    { apt-get update -qq && apt-get install --yes -qq python3 python3-venv; } >/dev/null 2>&1 || true
    if (cd / && can_run /usr/bin/python3) 2>/dev/null; then python=/usr/bin/python3; fi
fi
[ -n "$python" ] || exit 75

pure="decide domain findings"  # rooms that know no user: what root has run of them is not run again
git -c safe.directory='*' clone --quiet --no-hardlinks . "$home/harness"
chown -R "$name:" "$home/harness"
runuser -u "$name" -- env --chdir "$home/harness" -u HARNESS_TEST_CLAUDE HOME="$home" USER="$name" LOGNAME="$name" \
    XDG_CONFIG_HOME="$home/.config" XDG_CACHE_HOME="$home/.cache" PATH=/usr/local/bin:/usr/bin:/bin \
    bash -euc "$python -m venv .venv && .venv/bin/pip install --quiet --require-hashes -r .ci/constraints.txt
        ${tests/python3 -m venv/$python -m venv} $(printf -- '--ignore tests/%s ' $pure)"
