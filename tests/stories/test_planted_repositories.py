"""No repository that an agent planted, in whatever shape, runs a program when a person uses git in its folder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from helpers.marks import SANDBOXES, in_short, needs_bwrap
from helpers.world import FINISH, GIT, World

pytestmark = needs_bwrap
CONFIG = "printf '[core]\\n\\tfsmonitor = touch {ran}; false\\n'"
IN_TREE = "printf '[core]\\n\\trepositoryformatversion = 0\\n\\tbare = false\\n\\tworktree = %s\\n' $PWD"
SHAPES = {
    "in a folder": (f"git init -q sub; {CONFIG} >> sub/.git/config", "sub"),
    "in quarantine": (f"git init -q sub; {CONFIG} >> sub/.git/config", "logs/attempts/hello/0001/foreign"),
    "in what is seen as logs": (
        f"git init -q $logs; {CONFIG} >> $logs/.git/config",
        "logs/attempts/hello/0001/foreign",
    ),
    "bare, in two folders": (
        "mkdir -p x y/objects y/refs; echo 'ref: refs/heads/main' > x/HEAD; echo ../y > x/commondir;"
        "printf '[core]\\n\\trepositoryformatversion = 1\\n[extensions]\\n\\tworktreeConfig = true\\n' > y/config;"
        f"cd x; ({IN_TREE}; {CONFIG}) > config.worktree; cd ..",
        "x",
    ),
    "bare, in a folder that was there": (
        f"git init -q --bare b; mv b/HEAD b/objects b/refs code; cd code;({IN_TREE}; {CONFIG}) > config; cd ..",
        "code",
    ),
    "ignored, behind a long configuration": (
        "git init -q build/x; yes '[core] ' | head -c 72000 > build/x/.git/config;"
        f"echo >> build/x/.git/config; {CONFIG} >> build/x/.git/config",
        "build/x",
    ),
    "in HALT": (f"rm -f HALT; git init -q HALT; {CONFIG} >> HALT/.git/config", "HALT"),
    "in a folder that may be changed": (f"git init -q .husky; {CONFIG} >> .husky/.git/config", ".husky"),
}


@pytest.fixture
def project(confined: World) -> World:
    confined.spec("hello", may_change=[".husky"])
    (confined.root / "code").mkdir()
    (confined.root / "code/kept.txt").write_text("mine\n")
    (confined.root / ".gitignore").write_text("build/\n")
    confined.repository()
    return confined


def use_git(folder: Path, *words: str) -> None:
    """Use git as a person does, by their own settings."""
    subprocess.run(["git", *(words or ("status",))], cwd=folder, env={**os.environ, **GIT}, check=False)


@pytest.mark.parametrize("shape", in_short(SHAPES.keys(), "bare, in a folder that was there"))
def test_no_planted_repository_runs_a_program(project: Any, tmp_path: Path, shape: str) -> None:
    plant, folder = SHAPES[shape]
    project.agent(plant.format(ran=tmp_path / "ran") + f"; {FINISH}")
    project.go(max_iterations="1")
    assert (project.root / folder).is_dir()
    use_git(project.root / folder)
    assert ((tmp_path / "ran").exists(), project.has("code/kept.txt")) == (False, True)


@pytest.mark.parametrize("where", in_short(["specs", "logs"], "logs"))
def test_nothing_is_obeyed_in_the_folders_of_harness_itself(project: Any, tmp_path: Path, where: str) -> None:
    config = CONFIG.format(ran=tmp_path / "ran")
    project.agent(f"cd {where}; mkdir z; git init -q z; {config} >> z/.git/config; echo evil > .envrc; cd ..; {FINISH}")
    project.go(sandbox="none", max_iterations="1")
    use_git(project.root / where / "z")
    found = [(tmp_path / "ran").exists(), project.has(f"{where}/.envrc"), project.has("specs/hello/spec.md")]
    assert found == [False, False, True]


@pytest.mark.deep
def test_what_lies_in_quarantine_has_no_name_that_is_obeyed(project: Any) -> None:
    project.agent(
        f"mkdir -p .vscode/deep/.idea; for one in harness.yaml .envrc .vscode/x.pth; do echo x > $one; done; {FINISH}"
    )
    project.go(max_iterations="1")
    foreign = project.root / "logs/attempts/hello/0001/foreign"
    assert sorted(str(path.relative_to(foreign)) for path in foreign.rglob("*") if not path.is_dir()) == [
        ".envrc.quarantined", ".vscode.quarantined/x.pth.quarantined", "harness.yaml.quarantined"
    ]  # fmt: skip
    assert (foreign / ".vscode.quarantined/deep/.idea.quarantined").is_dir()


@pytest.mark.deep
def test_the_hooks_of_a_bare_repository_of_the_person_s_are_theirs(project: Any, tmp_path: Path) -> None:
    project.git("init", "-q", "--bare", "fixture.git")
    hook = "fixture.git/hooks/post-update"
    project.agent(f"printf '#!/bin/sh\\ntouch {tmp_path}/ran\\n' > {hook}; chmod +x {hook}; {FINISH}")
    project.go(max_iterations="1")
    use_git(project.root, "push", "./fixture.git", "HEAD:refs/heads/main")
    assert ((tmp_path / "ran").exists(), project.has("fixture.git/refs/heads/main")) == (False, True)


@pytest.mark.deep
def test_the_repositories_of_submodules_in_a_nested_one_are_the_person_s(project: Any, tmp_path: Path) -> None:
    for name in ("inner", "sub"):
        project.git("init", "-q", name)
        project.git("-C", name, "commit", "-q", "--allow-empty", "-m", "begin")
    project.git("-C", "sub", "-c", "protocol.file.allow=always", "submodule", "add", "-q", "../inner", "inner")
    project.agent(f"{CONFIG.format(ran=tmp_path / 'ran')} >> sub/.git/modules/inner/config; {FINISH}")
    project.go(max_iterations="1")
    use_git(project.root / "sub/inner")
    assert ((tmp_path / "ran").exists(), project.has("sub/inner/.git")) == (False, True)


EVIL_ROOT = f"""
git init -q --bare b; mv b/HEAD b/objects b/refs .; rm -rf b
({IN_TREE}; {CONFIG}; printf '[include]\\n\\tpath = ../.git/evil\\n') > config
printf '#!/bin/sh\\ntouch {{ran}}\\nexit 1\\n' > evil.sh; chmod +x evil.sh
printf '[commit]\\n\\tgpgSign = true\\n[gpg]\\n\\tprogram = %s/evil.sh\\n' "$PWD" > ../.git/evil
"""


@pytest.fixture
def below(project: World, tmp_path: Path) -> Any:
    """A project in a folder of its repository."""
    for name in ("specs", "code"):
        (project.root / "sub").mkdir(exist_ok=True)
        (project.root / name).rename(project.root / "sub" / name)
    project.git("add", "-A")
    project.git("commit", "-qm", "below")
    project.root /= "sub"
    return project


@pytest.mark.deep
def test_the_root_of_a_project_is_no_repository_that_it_was_not(below: Any, tmp_path: Path) -> None:
    below.agent(f"{EVIL_ROOT.format(ran=tmp_path / 'ran')}{FINISH}")
    below.go(max_iterations="1")
    use_git(below.root)
    assert ((tmp_path / "ran").exists(), below.has("HEAD")) == (False, False)
    assert below.git("rev-parse", "--show-toplevel") == str(below.root.parent)


@pytest.mark.deep
def test_git_is_not_used_where_it_takes_another_folder_for_the_repository(below: Any, tmp_path: Path) -> None:
    script = EVIL_ROOT.format(ran=tmp_path / "ran")
    subprocess.run(["/bin/sh", "-c", script], cwd=below.root, check=True)
    below.agent(FINISH)
    ran = below.go(max_iterations="1")
    assert ((tmp_path / "ran").exists(), "which is not `.git`" in ran.text) == (False, True), ran.text


@pytest.mark.deep
def test_a_signing_program_is_not_taken_from_a_file_that_an_agent_can_write(project: Any, tmp_path: Path) -> None:
    (project.root / ".git/branchless").mkdir()
    (project.root / ".git/branchless/config").write_text("")
    project.git("config", "include.path", "branchless/config")
    evil = tmp_path / "project/evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\nexit 1\n")
    evil.chmod(0o755)
    (project.root / ".git/branchless/config").write_text(f"[commit]\ngpgSign = true\n[gpg]\nprogram = {evil}\n")
    project.git("-c", "commit.gpgSign=false", "add", "-A")
    project.git("-c", "commit.gpgSign=false", "commit", "-qm", "evil")
    project.agent(FINISH)
    assert project.go().code == 0
    assert not (tmp_path / "ran").exists()


# --- the project's own repository ---------------------------------------------------------------------------------

REBASE = """
cd .git; mkdir rebase-merge; cd rebase-merge; git rev-parse HEAD > onto; cp onto orig-head; touch interactive
echo refs/heads/$(git branch --show-current) > head-name; echo 'exec touch {ran}' > git-rebase-todo; cd ../..
"""
REMOTE = """
mkdir -p .git/remotes; echo 'URL: .git/x' > .git/remotes/origin; git init -q --bare .git/x
printf '#!/bin/sh\\ntouch {ran}\\n' > .git/x/hooks/pre-receive; chmod +x .git/x/hooks/pre-receive
"""


@pytest.mark.parametrize(
    ("plant", "words"),
    [
        pytest.param(REBASE, "rebase --continue", id="a rebase"),
        pytest.param(REMOTE, "push origin HEAD:refs/heads/x", id="a remote", marks=pytest.mark.deep),
    ],
)
def test_nothing_is_begun_that_a_person_s_git_would_go_on_with(
    project: Any, tmp_path: Path, plant: str, words: str
) -> None:
    project.agent(plant.format(ran=tmp_path / "ran") + FINISH)
    ran = project.go(max_iterations="1")
    use_git(project.root, *words.split())
    assert ((tmp_path / "ran").exists(), "where git would obey it" in ran.text) == (False, True), ran.text


@pytest.mark.deep
@pytest.mark.parametrize("sandbox", SANDBOXES)
@pytest.mark.parametrize("name", in_short(["logs/HEAD", "packed-refs", "COMMIT_EDITMSG", "FETCH_HEAD"], "packed-refs"))
def test_git_writes_through_no_link_that_came_into_its_folder(
    project: Any, tmp_path: Path, name: str, sandbox: str
) -> None:
    mine = tmp_path / "home/mine.txt"
    mine.write_text("mine\n")
    project.agent(f"rm -f .git/{name}; ln -s {mine} .git/{name}; {FINISH}")
    ran = project.go(sandbox=sandbox, max_iterations="1")
    use_git(project.root, "commit", "--allow-empty", "-qm", "x $(touch ran)")
    use_git(project.root, "fetch", "-q", ".")
    use_git(project.root, "pack-refs", "--all")
    assert (ran.code, mine.read_text()) == (0, "mine\n"), ran.text
    assert f"`.git/{name}` appeared during the attempt, where git would obey it" in ran.text


@pytest.mark.deep
def test_a_signature_is_written_through_no_link_of_a_hook_s(project: Any, tmp_path: Path) -> None:
    mine, program = tmp_path / "home/mine.txt", tmp_path / "sign.sh"
    mine.write_text("mine\n")
    program.write_text("#!/bin/sh\ncat > /dev/null; echo '[GNUPG:] SIG_CREATED ' >&2; echo signature\n")
    program.chmod(0o755)
    configured = {"KEY_0": "commit.gpgSign", "VALUE_0": "true", "KEY_1": "gpg.program", "VALUE_1": str(program)}
    project.environment |= {"GIT_CONFIG_COUNT": "2"} | {f"GIT_CONFIG_{name}": one for name, one in configured.items()}
    hook = project.root / ".git/hooks/post-commit"
    hook.write_text("#!/bin/sh\nexec sh link.sh\n")
    hook.chmod(0o755)
    project.agent(f"echo 'rm -f .git/logs/HEAD; ln -s {mine} .git/logs/HEAD' > link.sh; {FINISH}")
    ran = project.go()
    assert (ran.code, mine.read_text()) == (0, "mine\n"), ran.text
    assert "logs/HEAD` is a link that came meanwhile" in ran.text


@pytest.mark.parametrize("part", in_short(["refs", "objects", "HEAD"], "HEAD"))
def test_what_a_repository_cannot_do_without_is_put_back_where_a_link_led_to_it(project: Any, part: str) -> None:
    project.agent(f"mv .git/{part} .git/moved; ln -s moved .git/{part}; {FINISH}")
    ran = project.go()
    assert (ran.code, (project.root / ".git" / part).is_symlink()) == (0, False), ran.text
    assert project.git("show", "-s", "--format=%s").startswith("hello: finished")
    assert f"`.git/{part}` appeared during the attempt, where git would obey it; what was there is back" in ran.text


@pytest.mark.deep
def test_a_person_s_repository_that_was_moved_is_back_with_its_history(project: Any) -> None:
    (project.root / ".gitignore").write_text("vendor/\n")
    project.git("add", "-A")
    project.git("commit", "-qm", "mine")
    subprocess.run(["git", "init", "-q", project.root / "vendor/lib"], check=True)
    project.git("-C", "vendor/lib", "commit", "-q", "--allow-empty", "-m", "theirs")
    project.agent(f"mv vendor third; git -C third/lib config core.fsmonitor evil; {FINISH}")
    ran = project.go(max_iterations="1")
    assert project.git("-C", "vendor/lib", "log", "--format=%s") == "theirs", ran.text
    assert "fsmonitor" not in (project.root / "vendor/lib/.git/config").read_text()
    assert "`vendor/lib/.git` was moved during the attempt, where git would obey it; it is back" in ran.text


@pytest.mark.deep
def test_a_link_that_was_there_before_stays(project: Any) -> None:
    (project.root / ".git/logs/HEAD").rename(project.root / ".git/kept")
    (project.root / ".git/logs/HEAD").symlink_to("../kept")
    project.agent(FINISH)
    assert (project.go().code, project.has(".git/logs/HEAD")) == (0, True)


@pytest.mark.deep
def test_a_history_that_is_cut_short_is_whole_again(project: Any) -> None:
    for number in range(3):
        project.git("commit", "-q", "--allow-empty", "-m", str(number))
    project.agent(f"git rev-parse HEAD > .git/shallow; git commit-graph write --reachable; {FINISH}")
    assert project.go(commit="never").code == 0
    assert (project.git("rev-list", "--count", "HEAD"), project.has(".git/objects/info/commit-graph")) == ("4", False)


@pytest.mark.parametrize("sandbox", SANDBOXES)
@pytest.mark.deep
def test_a_cherry_pick_that_is_none_leaves_nothing_staged(project: Any, sandbox: str) -> None:
    (project.root / ".gitignore").write_text(".env\n")
    project.git("commit", "-qam", "mine")
    project.agent(f"git rev-parse HEAD > .git/CHERRY_PICK_HEAD; echo secret > .env; git add -f .env; {FINISH}")
    project.go(sandbox=sandbox, max_iterations="2")
    assert ".env" not in project.git("ls-files").split()


@pytest.mark.parametrize(
    ("key", "value", "name"),
    [
        ("core.hooksPath", "tools/hooks", "tools/hooks/post-checkout"),
        pytest.param("include.path", "../conf/git.inc", "conf/git.inc", marks=pytest.mark.deep),
        pytest.param("include.path", "branchless/config", ".git/branchless/config", marks=pytest.mark.deep),
        pytest.param("core.fsmonitor", "tools/hooks/fsmonitor", "tools/hooks/fsmonitor", marks=pytest.mark.deep),
    ],
)
def test_what_git_is_configured_to_obey_stays_as_it_was(
    project: Any, tmp_path: Path, key: str, value: str, name: str
) -> None:
    file = project.root / name
    file.parent.mkdir(parents=True)
    file.write_text("")
    project.git("config", key, value)
    project.git("add", "-A")
    project.git("commit", "-qm", "mine", "--allow-empty")
    evil = f"'#!/bin/sh\\ntouch {tmp_path}/ran\\n'" if "hooks" in name else CONFIG.partition(" ")[2]
    project.agent(f"printf {evil.format(ran=tmp_path / 'ran')} > {name}; chmod +x {name}; {FINISH}")
    ran = project.go(max_iterations="1")
    use_git(project.root)
    use_git(project.root, "checkout", "-q", "-b", "other")
    assert ((tmp_path / "ran").exists(), file.read_text()) == (False, ""), ran.text


@pytest.mark.deep
def test_a_linked_worktree_stages_nothing_in_the_main_one(project: Any) -> None:
    project.git("worktree", "add", "-q", "../linked")
    main, project.root = project.root, project.root.parent / "linked"
    project.agent(f"echo x > y; "
                  f"GIT_INDEX_FILE={main}/.git/index git add y; {FINISH}")  # fmt: skip
    assert project.go().code == 0
    project.root = main
    assert project.git("status", "--porcelain") == ""


@pytest.mark.deep
def test_an_index_in_two_files_is_put_back_whole(project: Any) -> None:
    project.git("config", "core.splitIndex", "true")
    project.git("update-index", "--split-index")
    project.agent(f"rm -f .git/sharedindex.*; {FINISH}")
    ran = project.go()
    assert (ran.code, project.git("status", "--porcelain")) == (0, ""), ran.text


@pytest.mark.deep
def test_what_speaks_as_git_and_what_leads_a_path_elsewhere_is_set_aside(project: Any) -> None:
    planted = (".git/gc.log", ".git/SQUASH_MSG", ".git/MERGE_MSG", ".git/safe", ".git/rr-cache")
    project.agent(
        "echo trust me > .git/gc.log; echo mine > .git/SQUASH_MSG; echo mine > .git/MERGE_MSG; mkdir .git/safe; "
        f"mkdir -p .git/rr-cache/0123; echo mine > .git/rr-cache/0123/postimage; {FINISH}"
    )
    ran = project.go()
    assert [name for name in planted if project.has(name)] == [], ran.text


def test_what_git_does_not_make_in_its_folder_is_set_aside(project: Any) -> None:
    project.git("branch", "v1")
    project.git("update-ref", "refs/remotes/origin/main", "HEAD")
    (project.root / ".git/notes-of-mine").write_text("a person's tool\n")
    project.agent(
        "echo evil > evil.txt; c=$(git commit-tree -m evil $(git write-tree)); mkdir -p .git/origin .git/tool\n"
        "echo $c > .git/v1; echo $c > .git/origin/main; echo $c > .git/a-tool; "
        f"echo x > .git/tool/y; {FINISH}"
    )
    ran = project.go()
    gone = (".git/v1", ".git/origin/main", ".git/tool/y")
    stay = (".git/notes-of-mine", ".git/a-tool")
    assert [name for name in (*gone, *stay) if project.has(name)] == list(stay), ran.text
    assert "`.git/v1`" in ran.text


def test_a_link_to_a_repository_in_git_s_folder_is_set_aside(project: Any, tmp_path: Path) -> None:
    config = CONFIG.partition(" ")[2].format(ran=tmp_path / "ran")
    project.agent(
        f"git init -q --bare .git/objects/e; cd .git/objects/e; printf {config} >> config; "
        f"cd ../../..; ln -s .git/objects/e guide; {FINISH}"
    )
    ran = project.go()
    assert not os.path.lexists(project.root / "guide"), ran.text


@pytest.mark.deep
def test_a_ref_beside_branches_and_tags_is_told(project: Any) -> None:
    made = "".join(f"git update-ref {name} $c; " for name in ("refs/v9", "refs/x/y"))
    project.agent(f"c=$(git commit-tree -m evil 'HEAD^{{tree}}'); {made} git pack-refs --all; {FINISH}")
    ran = project.go()
    for name in ("refs/v9", "refs/x/y"):
        assert f"made the ref `{name}`, which git may take for a branch: `git update-ref -d {name}`" in ran.text


@pytest.mark.deep
def test_hooks_behind_a_link_of_the_persons_stay_as_they_were(project: Any) -> None:
    (project.root / ".husky").symlink_to("tools/hooks")
    hook = project.root / "tools/hooks/pre-push"
    hook.parent.mkdir(parents=True)
    hook.write_text("mine\n")
    project.git("config", "core.hooksPath", ".husky")
    project.git("add", "-A")
    project.git("commit", "-qm", "mine")
    project.agent(f"echo evil > tools/hooks/pre-push; {FINISH}")
    ran = project.go(max_iterations="1")
    assert hook.read_text() == "mine\n", ran.text


@pytest.mark.deep
def test_no_test_runner_finds_anything_in_quarantine(project: Any) -> None:
    left = "sitecustomize/conftest.py sitecustomize/test_x.py logs/evil/conftest.py logs/conftest.py"
    project.agent(f"mkdir sitecustomize logs/evil; echo evil | tee {left} >/dev/null; {FINISH}")
    project.go(max_iterations="1")
    found = [path.name for path in project.root.rglob("*") if path.is_file() and path.read_bytes() == b"evil\n"]
    assert sorted(found) == [*["conftest.py.quarantined"] * 3, "test_x.py.quarantined"]
