"""A real commit that goes nowhere: in a scratch clone, with the hooks and filters of the person's repository."""

from __future__ import annotations

import os
from pathlib import Path

from harness.domain.text import one_line
from harness.workspace.git import Git

# In the clone hold the settings of the repository, which are included, and its hooks; what git ignores is not there.
_TRIAL = r"""
top=$1 message=$2 program=$3
git() { "$program" "$@"; }  # not by its name: on PATH there may be an agent's
scratch=$(mktemp -d) && trap 'rm -rf "$scratch"' EXIT
cd "$top"
hooks=$(git rev-parse --git-path hooks) && case $hooks in /*) ;; *) hooks=$top/$hooks ;; esac
settings=$(git rev-parse --git-path config) && case $settings in /*) ;; *) settings=$top/$settings ;; esac
objects=$(git rev-parse --git-path objects) && case $objects in /*) ;; *) objects=$top/$objects ;; esac
format=$(git rev-parse --show-object-format) branch=$(git symbolic-ref --quiet HEAD || echo refs/heads/trial)
head=$(git rev-parse HEAD)
git init --quiet --object-format="$format" "$scratch/clone"
cd "$scratch/clone"
echo "$objects" > .git/objects/info/alternates  # `git clone` would ask once more whose the repository is
git symbolic-ref HEAD "$branch"
GIT_LFS_SKIP_SMUDGE=1 git -c core.hooksPath=/dev/null reset --quiet --hard "$head"
git config --file "$settings" core.worktree > /dev/null || git config include.path "$settings"
echo 'a trial of harness doctor' > harness-doctor.txt
git add --force harness-doctor.txt
git -c core.hooksPath="$hooks" -c commit.gpgSign=false commit --quiet --message "$message" >&2
git log -1 '--format=%an <%ae>'
"""
_MESSAGE = "trial: a commit by harness doctor\n\nHarness-Feature: trial\nHarness-Attempt: 1\n"


def try_commit(git: Git) -> tuple[str, str]:
    """Return as whom a commit like those of a run was made, and "" or the words of the git or hook that refused it."""
    said = git.run_script(_TRIAL, git.top, _MESSAGE, git.program)
    if said.timed_out:
        return "", "it took too long"
    words = one_line((said.stderr + said.stdout).decode("utf-8", "replace"), 300)
    if said.code != 0:
        return "", words or f"exit {said.code}"
    return one_line(os.fsdecode(said.stdout).strip().rpartition("\n")[2], 200), ""


def who_commits(git: Git) -> str:
    """Return as whom the person commits, by git as it is outside; "" where it does not know."""
    said = git.ask("-C", str(Path(git.top)), "var", "GIT_AUTHOR_IDENT")
    name, end, _ = os.fsdecode(said.stdout).rpartition(">")
    return name + end if said.code == 0 else ""
