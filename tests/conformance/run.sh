#!/usr/bin/env bash
# Verifies harness by the third-party suite `conformance` (PyPI, 0.1.x): needs Python 3.12 or newer, and git.
# usage: tests/conformance/run.sh [PYTHON]      0: the level is reached, 1: it is not, 2: it could not be tried
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${1:-python3}
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))'; then
    echo "$python is older than 3.12: name a newer one" >&2
    exit 2
fi
place=.cache/conformance
rm -rf "$place"
mkdir -p "$place/.conformance/scenarios" "$place/source"
"$python" -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet 'conformance>=0.1,<0.2' --editable .
cp tests/conformance/episode.py "$place/source"
cat > "$place/.conformance/scenarios/night.py" <<'SCENARIO'
from conformance_harness.scenario import Scenario

scenario = Scenario(
    name="night", scenario_id="night", entrypoint="episode:run", source="../../source", capabilities=("deliveries", "races")
)
SCENARIO
cd "$place"
unset CI GITHUB_ACTIONS
venv/bin/conformance record --scenario night --seed 1
venv/bin/conformance verify --scenario night --seed 1
