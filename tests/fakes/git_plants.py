"""An agent that makes a repository run programs of its own: one way is planted, some work is done, and it is claimed.

    python git_plants.py VECTOR RAN DONE   RAN is a folder outside the project where each that runs leaves a mark

A program leaves its mark where it can write to RAN (not in the sandbox), and not while the agent itself is at work.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

HOOKS = (
    "applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-applypatch", "post-checkout", "post-commit",
    "post-index-change", "post-merge", "post-receive", "post-rewrite", "post-update", "pre-applypatch", "pre-auto-gc",
    "pre-commit", "pre-merge-commit", "pre-push", "pre-rebase", "pre-receive", "prepare-commit-msg",
    "reference-transaction", "sendemail-validate", "update",
)  # fmt: skip
SPY = """#!/bin/sh
[ -n "$HARNESS_ATTEMPT" ] || echo ran >> "{ran}/{name}"
{then}
"""


class Planter:
    """Writes into the repository in the folder where it is."""

    def __init__(self, vector, ran):
        self.vector, self.ran, self.root = vector, ran, Path.cwd()

    def spy(self, name, then="cat", *, at=None):
        """A program that leaves its mark."""
        path = at or self.root / ".spies" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SPY.format(ran=self.ran, name=f"{self.vector}: {name}", then=then))
        path.chmod(0o755)
        return path

    def config(self, text, *, at=".git/config"):
        path = self.root / at
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(text + "\n")

    def attribute(self, line):
        with (self.root / ".gitattributes").open("a") as file:
            file.write(line + "\n")

    def filter(self, at=".git/config", name="x"):
        clean, smudge = self.spy("clean"), self.spy("smudge")
        self.config(f'[filter "{name}"]\n clean = {clean}\n smudge = {smudge}\n required = true', at=at)
        self.attribute(f"* filter={name}")

    # --- the ways ---

    def hooks(self):
        for name in HOOKS:
            self.spy(name, "exit 0", at=self.root / ".git/hooks" / name)

    def hooks_path(self):
        for name in HOOKS:
            self.spy(name, "exit 0", at=self.root / ".evil-hooks" / name)
        self.config("[core]\n hooksPath = .evil-hooks")

    def hooks_of_the_person_in_the_tree(self):
        for name in HOOKS:
            self.spy(name, "exit 0", at=self.root / ".husky" / name)

    def fsmonitor(self):
        self.config(f"[core]\n fsmonitor = {self.spy('fsmonitor', 'exit 1')}")

    def filter_clean(self):
        self.filter()

    def filter_process(self):
        self.config(f'[filter "y"]\n process = {self.spy("process", "exit 1")}\n clean = {self.spy("clean")}')
        self.attribute("* filter=y")

    def filter_of_the_person_is_a_script(self):
        self.spy("clean", at=self.root / "tools/clean.sh")
        self.attribute("* filter=own")

    def diff_command(self):
        self.config(f'[diff "x"]\n command = {self.spy("diff")}\n[diff]\n external = {self.spy("external")}')
        self.attribute("* diff=x")

    def diff_textconv(self):
        self.config(f'[diff "x"]\n textconv = {self.spy("textconv")}')
        self.attribute("* diff=x")

    def merge_driver(self):
        self.config(f'[merge "x"]\n driver = {self.spy("merge")}')
        self.attribute("* merge=x")

    def gpg(self):
        self.config(f"[commit]\n gpgsign = true\n[gpg]\n program = {self.spy('gpg', 'exit 1')}")

    def gpg_ssh(self):
        ssh, key = self.spy("ssh-keygen", "exit 1"), self.spy("key", "exit 1")
        self.config(f'[commit]\n gpgsign = true\n[gpg]\n format = ssh\n[gpg "ssh"]\n program = {ssh}')
        self.config(f'[gpg "ssh"]\n defaultKeyCommand = {key}')

    def ssh_command_and_a_missing_object(self):
        self.config(f"[core]\n sshCommand = {self.spy('ssh', 'exit 1')}\n repositoryformatversion = 1")
        self.config('[extensions]\n partialClone = far\n[remote "far"]\n url = ssh://x.invalid/y\n promisor = true')
        self.lose_an_object()

    def upload_pack_and_a_missing_object(self):
        self.config("[core]\n repositoryformatversion = 1\n[extensions]\n partialClone = far")
        pack = self.spy("uploadpack", "exit 1")
        self.config(f'[remote "far"]\n url = {self.root}\n promisor = true\n uploadpack = {pack}')
        self.lose_an_object()

    def lose_an_object(self):
        tree = os.popen("git rev-parse HEAD:code").read().strip()
        (self.root / ".git/objects" / tree[:2] / tree[2:]).unlink()

    def pager(self):
        spy = self.spy("pager")
        self.config(f"[core]\n pager = {spy}\n[pager]\n status = {spy}\n config = {spy}\n[column]\n ui = always")

    def editor(self):
        self.config(f"[core]\n editor = {self.spy('editor', 'exit 0')}\n[sequence]\n editor = {self.spy('sequence')}")

    def credential_helper(self):
        self.config(f"[credential]\n helper = {self.spy('helper')}\n[core]\n askPass = {self.spy('askpass')}")

    def alias(self):
        words = ("status", "commit", "config", "rev-parse", "update-index")
        self.config("[alias]\n" + "\n".join(f" {word} = !{self.spy('alias')}" for word in words))

    def include(self):
        self.config("[include]\n path = ../evil.inc")
        self.config(f"[core]\n fsmonitor = {self.spy('fsmonitor', 'exit 1')}", at="evil.inc")
        self.filter(at="evil.inc")

    def include_of_the_person_in_the_tree(self):
        self.config(f"[core]\n fsmonitor = {self.spy('fsmonitor', 'exit 1')}", at="shared.gitconfig")
        self.config(f"[commit]\n gpgsign = true\n[gpg]\n program = {self.spy('gpg', 'exit 1')}", at="shared.gitconfig")
        self.filter(at="shared.gitconfig")

    def attributes_file(self):
        clean = self.spy("clean")
        self.config(f'[core]\n attributesFile = {self.root}/evil.attributes\n[filter "z"]\n clean = {clean}')
        self.config("* filter=z", at="evil.attributes")

    def attributes_of_the_repository(self):
        self.config(f'[filter "z"]\n clean = {self.spy("clean")}')
        self.config("* filter=z", at=".git/info/attributes")

    def worktree_config(self):
        self.config("[extensions]\n worktreeConfig = true")
        self.config(f"[core]\n fsmonitor = {self.spy('fsmonitor', 'exit 1')}", at=".git/config.worktree")
        self.filter(at=".git/config.worktree")

    def another_worktree(self):
        self.config(f"[core]\n worktree = {self.root}/code")
        self.filter()

    def common_folder(self):
        os.system("cp -r .git evil.git")
        self.config("../evil.git", at=".git/commondir")
        self.filter(at="evil.git/config")

    def another_git_folder(self):
        os.system("cp -r .git evil.git")
        self.filter(at="evil.git/config")
        for name in HOOKS:
            self.spy(name, "exit 0", at=self.root / "evil.git/hooks" / name)
        with suppress(OSError):
            (self.root / ".git").rename(self.root / "old.git")
            (self.root / ".git").write_text("gitdir: evil.git\n")

    def nested_repository(self):
        inner = self.root / "inner"
        os.system("git init -q inner && cd inner && git commit -q --allow-empty -m x && echo x > y && git add y")
        self.config(f"[core]\n fsmonitor = {self.spy('fsmonitor', 'exit 1')}", at="inner/.git/config")
        self.config("* filter=i", at="inner/.gitattributes")
        self.config(f'[filter "i"]\n clean = {self.spy("clean")}', at="inner/.git/config")
        (inner / "y").write_text("z")
        head = os.popen("git -C inner rev-parse HEAD").read().strip()
        os.system(f"git update-index --add --cacheinfo 160000,{head},inner")
        self.config(
            '[submodule "inner"]\n path = inner\n url = ./inner\n ignore = none\n update = !false', at=".gitmodules"
        )

    def git_on_path(self):
        for name in ("git", "bwrap", "gpg", "systemd-inhibit"):
            real = next(f"{place}/{name}" for place in ("/usr/bin", "/bin") if name)
            self.spy(name, f'exec {real} "$@"', at=self.root / ".venv/bin" / name)


VECTORS = tuple(
    name for name in list(vars(Planter))[list(vars(Planter)).index("hooks") :] if name not in ("lose_an_object",)
    and not name.startswith("_")
)  # fmt: skip


def main():
    vector, ran, done = sys.argv[1:4]
    with suppress(OSError):  # what is read-only stays so
        getattr(Planter(vector, ran), vector)()
    for path in Path("code").iterdir():
        path.write_text(path.read_text())  # git has to look into it
    Path("made.txt").write_text(f"{os.getpid()}\n")
    Path(done).write_text("all of it is done\n")


if __name__ == "__main__":
    main()
