"""What a person's programs obey merely because it lies in a folder: a table, with who obeys it and where that is said.

Such a file runs something, or changes what is run, when a person uses git, an editor, a shell, a coding agent, an
interpreter or a package manager in that folder. Code that a person runs as such (a Makefile, a test, a script of
package.json) is not in it: that is what they asked for, and read in the diff.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

# Folders of what is installed and of caches: only repositories are looked for inside, the rest is as it was installed.
INSTALLED = frozenset(
    (
        "node_modules", "bower_components", ".venv", "venv", "site-packages", ".tox", ".nox", ".cache", ".mypy_cache",
        ".ruff_cache", ".pytest_cache",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """Names that a program obeys, in any folder: `NAME`, `START*END`, `FOLDER/` with all in it, `FOLDER/NAME`."""

    by: str
    names: str
    source: str
    may_change: bool = True  # where a spec says so
    where_ignored: bool = False  # by git alone: else it stands in the diff
    only_told: bool = False  # an honest agent writes it, too


TABLE = (
    Row("harness", "harness.yaml specs/*/spec.md templates/prompt.md", "README of harness", may_change=False),
    # without harness.yaml these keep every command from starting
    Row("harness", "harness.yml .harness.yaml .harness.yml harness.json harness.toml", "README of harness"),
    Row("git", ".gitconfig", "git-config(1): what an `include.path` names"),
    Row("git hooks", ".husky/ .githooks/", "githooks(5): what a `core.hooksPath` names"),
    Row("pre-commit", ".pre-commit-config.yaml", "pre-commit.com"),
    Row("lefthook", "lefthook.* .lefthook.* lefthook-local.* .lefthook-local.* .lefthook/ .lefthook-local/",
        "lefthook.dev: config file name, scripts"),
    Row("a hook manager", ".huskyrc .huskyrc.* .lintstagedrc .lintstagedrc.* lint-staged.config.* .git-hooks/ .hooks/ "
        ".simple-git-hooks.* simple-git-hooks.* captainhook.json grumphp.yml grumphp.yml.dist prek.toml",
        "their manuals: what an installed hook reads"),
    Row("overcommit", ".overcommit.yml", "github.com/sds/overcommit"),
    Row("Mercurial", ".hg/", "hgrc(5)"),
    Row("Review Board", ".reviewboardrc", "reviewboard.org: rbt runs it as Python"),
    Row("Jujutsu", ".jj/", "docs of jj: config"),
    Row("another version control", ".sl/ _darcs/ .pijul/ .fossil-settings/ .fslckout _FOSSIL_ .p4config "
        ".repo/ .gclient .west/ .lfsconfig .bzr/",
        "their manuals: hooks, where they fetch from"),
    Row("a commit hook", ".gitlint .pre-commit-config.yml hk.pkl hk.local.pkl .config/hk.pkl "
        ".config/hk.local.pkl .nano-staged.* nano-staged.* .rusty-hook.toml .cargo-husky/ .trunk/ .czrc .cz-config.js "
        ".cz-config.cjs changelog.config.*",
        "gitlint (extra-path), prek, hk.jdx.dev, nano-staged, rusty-hook, cargo-husky, docs.trunk.io (actions), "
        "cz-cli (path)"),
    Row("commitlint", ".commitlintrc .commitlintrc.* commitlint.config.*", "commitlint.js.org: run by a hook"),
    Row("Flask", ".flaskenv", "flask.palletsprojects.com: environment variables from dotenv"),
    Row("rope", ".ropeproject/", "rope.readthedocs.io: config.py is run when an editor opens the project"),
    Row("direnv", ".envrc .envrc.local .envrc.private .envrc.user .direnv/",
        "direnv(1), source_env_if_exists; nix-direnv: the profile that it keeps"),
    Row("a shell", ".autoenv .autoenv.zsh .autoenv_leave.zsh .shadowenv.d/ .rvmrc .rbenv-vars bin/activate-hermit "
        "bin/activate-hermit.fish bin/hermit bin/hermit.hcl",
        "autoenv, shadowenv, rvm, rbenv-vars; hermit: its shell hooks activate on cd"),
    Row("mise", "mise.toml .mise.toml mise.*.toml .mise.*.toml .miserc.toml .mise/ mise/config.toml mise/config.*.toml "
        "mise/conf.d .config/mise .config/mise.toml .config/mise.*.toml .rtx.toml .tool-versions", "mise.jdx.dev"),
    Row("VS Code", ".vscode/ .theia/ *.code-workspace", "code.visualstudio.com: workspace trust, tasks"),
    Row("dev containers", ".devcontainer/ .devcontainer.json", "containers.dev: lifecycle scripts"),
    Row("Visual Studio", ".vs/ *.suo", "learn.microsoft.com: launch.vs.json, tasks.vs.json"),
    Row("Eclipse", ".project .factorypath .externalToolBuilders/", "help.eclipse.org: builders, annotation processing"),
    Row("a language server", ".bsp/ .metals/ .bloop/ hie.yaml .lsp/ .luarc.json .luarc.jsonc rust-analyzer.toml "
        "rust-project.json .rust-project.json .merlin .ccls .clang_complete .sourcekit-lsp/ gtags.conf .globalrc",
        "Metals, HLS, clojure-lsp, lua-language-server, rust-analyzer, merlin, ccls, SourceKit, global: programs that "
        "they start or load"),
    Row("JetBrains IDEs", ".idea/ .run/", "jetbrains.com: trusted projects"),
    Row("Zed", ".zed/", "zed.dev: project settings, tasks"),
    Row("Fleet", ".fleet/", "jetbrains.com: run configurations"),
    Row("Helix", ".helix/", "docs.helix-editor.com: workspace config"),
    Row("Vim", ".exrc _exrc .vimrc _vimrc .nvimrc .nvim.lua .lvimrc .local.vimrc .lazy.lua .vim/ .vimspector.json",
        "vim: 'exrc'; localvimrc, lazy.nvim, coc.nvim, vimspector"),
    Row("Emacs", ".dir-locals.el .dir-locals-2.el", "Emacs manual: per-directory local variables"),
    Row("Sublime Text", "*.sublime-project sftp-config.json", "sublimetext.com: build systems; SFTP: upload_on_save"),
    Row("another editor", ".nova/ .tm_properties .kateproject .lite_project.lua .lapce/ .kdev4/ .calva/",
        "Nova, TextMate, Kate, Lite XL, Lapce, KDevelop, Calva"),
    Row("a workspace in a cloud", ".gitpod.yml .replit .stackblitzrc .idx/ .codesandbox/ .ddev/ .lando.yml",
        "their manuals: tasks at the start"),
    Row("Cursor", ".cursor/", "cursor.com: hooks, mcp.json"),
    Row("Windsurf", ".windsurf/", "docs.windsurf.com"),
    Row("Continue", ".continue/ .continuerc.json", "docs.continue.dev"),
    Row("Aider", ".aider.conf.yml", "aider.chat: lint-cmd, test-cmd"),
    Row("a coding agent", ".roo/ .kiro/ .amazonq/ .junie/ .qwen/ .goose/ .copilot/ .agents/ .crush.json crush.json "
        ".clinerules/hooks .kilocode/ .augment/ .factory/ .amp/ .trae/ .openhands/ .pi/ .iflow/ .codebuddy/ "
        ".github/hooks .opencode.json mcp.json",
        "their manuals: hooks, MCP servers"),
    Row("Python", "sitecustomize.py usercustomize.py sitecustomize/ usercustomize/ *.pth *.pyc .pdbrc "
        "ipython_config.py", "site, importlib (a module without its source), pdb, IPython"),
    Row("lazygit or gh-dash", ".lazygit.yml .gh-dash.yml", "their manuals: custom commands of a repository"),
    Row("Gunicorn", "gunicorn.conf.py", "docs.gunicorn.org: read from the current folder"),
    Row("PDM", "pdm.toml", "pdm-project.org: project configuration: pypi.url"),
    Row("Bower", ".bowerrc", "bower.io: scripts, registry"),
    Row("uv, PDM or pyenv", ".python-version .pdm-python", "docs.astral.sh, pdm-project.org: a path of an interpreter"),
    Row("a debugger", ".gdbinit .lldbinit .perldb .valgrindrc .jdbrc .crashrc",
        "gdb; lldb(1); perldebug(1); valgrind(1); jdb(1); crash(8)"),
    Row("an interpreter", ".irbrc .pryrc .byebugrc .rdbgrc .psysh.php .Rprofile .Renviron .RData .iex.exs .ghci "
        ".ocamlinit .utoprc .octaverc .user.ini .nrepl.edn .simplecov .autotest .yardopts .erlang .scilab scilab.ini "
        "rootlogon.C .rootlogon.C .rootrc",
        "their manuals: start-up files of the current folder"),
    Row("a test runner", ".proverc .rspec .actrc", "prove(1), rspec.info, nektosact.com: options"),
    Row("npm", ".npmrc binding.gyp", "npmrc(5): script-shell, node-options, registry; npm-scripts: node-gyp rebuild"),
    Row("pnpm", ".pnpmfile.cjs .pnpmfile.mjs pnpm-workspace.yaml", "pnpm.io: pnpmfile, settings: scriptShell"),
    Row("Yarn", ".yarnrc .yarnrc.yml .yarn/plugins .yarn/releases .yarn/sdks", "yarnpkg.com: yarnPath, plugins"),
    Row("Bun", "bunfig.toml", "bun.sh: preload, registry"),
    Row("pip or uv", "pip.conf pip.ini .pypirc uv.toml poetry.toml .condarc", "pip, uv, poetry, conda: indexes"),
    Row("Cargo", ".cargo/ rust-toolchain rust-toolchain.toml", "doc.rust-lang.org: runner, rustc-wrapper, path"),
    Row("Swift", ".swiftpm/", "swift.org: registries, schemes"),
    Row("LuaRocks", ".luarocks/", "luarocks.org: its configuration of a project is run as Lua"),
    Row("Bundler", ".bundle/", "bundle-config(1)"),
    Row("Maven", ".mvn/", "maven.apache.org: extensions, jvm.config"),
    Row("Gradle", "gradle.properties init.gradle wrapper/gradle-wrapper.properties wrapper/gradle-wrapper.jar",
        "docs.gradle.org"),
    Row("sbt", ".sbtopts .jvmopts .sbtrc", "scala-sbt.org"),
    Row("Cabal", "cabal.project.local", "cabal.readthedocs.io"),
    Row("Bazel", ".bazelrc .bazeliskrc .bazelversion tools/bazel", "bazel.build: run_under; bazelisk"),
    Row("Buck, Pants or Please", ".buckconfig .buckconfig.local .pants.rc .plzconfig.local", "their manuals"),
    Row("NuGet", "nuget.config", "learn.microsoft.com: package sources"),
    Row("MSBuild", "Directory.Build.props Directory.Build.targets Directory.Build.rsp Directory.Solution.props "
        "Directory.Solution.targets", "learn.microsoft.com: customize by folder"),
    Row("Docker Compose", "docker-compose.override.yml docker-compose.override.yaml compose.override.yml "
        "compose.override.yaml", "docs.docker.com: merge"),
    Row("Terraform or OpenTofu", "override.tf override.tf.json *_override.tf *_override.tf.json override.tofu "
        "override.tofu.json *_override.tofu *_override.tofu.json", "developer.hashicorp.com; opentofu.org"),
    Row("Leiningen", "profiles.clj", "leiningen.org: profiles of a project"),
    Row("Vagrant or Chef", ".vagrant/ .chef/", "developer.hashicorp.com: machines; docs.chef.io: config.rb"),
    Row("Docker Bake", "docker-bake.override.hcl docker-bake.override.json", "docs.docker.com: file lookup"),
    Row("Pixi or proto", ".pixi/config.toml .prototools", "pixi.sh: configuration; moonrepo.dev: plugins"),
    Row("Jupyter", "jupyter_*_config.py jupyter_*_config.json", "docs.jupyter.org: configuration"),
    Row("latexmk", "latexmkrc .latexmkrc", "latexmk(1): code of Perl"),
    Row("another tool", "startup.m finish.m pathdef.m .mill-jvm-opts .ghcid .ycm_extra_conf.py .arcconfig .mc.menu "
        ".cproject .settings/",
        "their manuals"),
    Row("Ansible", "ansible.cfg", "docs.ansible.com: plugins"),
)  # fmt: skip

# Where git sees such a file it stands in the diff, as code does, and in a clean checkout. One that git ignores is
# obeyed, and nobody sees it.
_IGNORED = (
    Row("a coding agent", "CLAUDE.md CLAUDE.local.md AGENTS.md AGENTS.local.md AGENTS.override.md AGENT.md GEMINI.md "
        "QWEN.md CRUSH.md CRUSH.local.md WARP.md .rules .cursorrules .windsurfrules .clinerules/*.md .roorules "
        ".goosehints .goosehints.local .github/copilot-instructions.md .github/instructions/ .github/prompts/ "
        ".github/agents/ .aider.model.settings.yml",
        "their manuals: instructions that they load by themselves"),
    Row("Go", "go.work", "go.dev/ref/mod: workspaces: replace, use"),
    Row("Dart", "pubspec_overrides.yaml", "dart.dev: dependency overrides"),
    Row("Julia", "LocalPreferences.toml JuliaLocalPreferences.toml", "Preferences.jl: which library a package loads"),
    Row("GHC", ".ghc.environment.*", "GHC users' guide: package environments of a folder"),
    Row("make", "GNUmakefile", "make(1): before any Makefile"),
    Row("CMake", "CMakeUserPresets.json CMakeLists.txt.user *.pro.user", "cmake-presets(7); Qt Creator: build steps"),
    Row("MSBuild", "*.csproj.user *.fsproj.user *.vbproj.user *.vcxproj.user", "Microsoft.Common.targets imports them"),
    Row("Bazel", "user.bazelrc", "bazel.build: what a `try-import` names by convention"),
    Row("SCons", "site_scons/", "scons(1): site_init.py"),
    Row("Xcode", "xcuserdata/ .xcode.env.local", "schemes with actions; React Native: sourced by its build"),
    Row("NetBeans", "nbproject/private/", "netbeans.apache.org: properties of a project, the user's own"),
    Row("JetBrains IDEs", "*.ipr *.iws", "jetbrains.com: projects in a file: run configurations"),
    Row("Flutter", ".fvm/", "fvm.app: the SDK that an editor runs"),
    Row("cargo-nextest", ".config/nextest.toml", "nexte.st: setup scripts"),
)  # fmt: skip
IGNORED = tuple(replace(row, where_ignored=True) for row in _IGNORED)
# Honest work writes these, too: one that came or was changed stays, and is told.
ENV_FILES = Row("what reads `.env` files", ".env .env.*", "Flask, Docker Compose, pipenv, Bun, dotenv")
_TOLD = (
    ENV_FILES,
    Row("Terraform or OpenTofu", "terraform.tfvars terraform.tfvars.json *.auto.tfvars *.auto.tfvars.json",
        "developer.hashicorp.com: variables that are loaded by themselves"),
    Row("the Android plugin of Gradle", "local.properties", "developer.android.com: sdk.dir"),
)  # fmt: skip
TOLD = tuple(replace(row, where_ignored=True, only_told=True) for row in _TOLD)

REPOSITORY = Row("git", ".git", "gitrepository-layout(5): hooks, config", may_change=False)

# Python runs what it compiled, whatever the source says: which source it was made of, it says itself.
COMPILED_HERE = "__pycache__"
COMPILED = Row("Python", "*.pyc in __pycache__", "PEP 552", may_change=False)
COMPILED_LINK = Row("Python", "a link as __pycache__", "PEP 3147", may_change=False)
SHADOWING = Row(
    "Python", "NAME.so beside NAME.py, or named as a module of Python", "importlib: extension modules come first"
)


class Obeyed:
    """The table, ready to be asked; `of_agents` are files that agents load: these, or their folders."""

    def __init__(self, of_agents: Iterable[str] = (), table: Sequence[Row] = TABLE) -> None:
        """Sort the names by their shape; case does not count, as on many file systems."""
        self._names: dict[str, Row] = {}  # NAME
        self._patterns: list[tuple[str, str, Row]] = []  # START*END
        self._paths: dict[str, list[tuple[str, Row]]] = {}  # NAME -> FOLDER/NAME, where * stands for any folder
        self._paths_like: list[tuple[str, str, str, Row]] = []  # FOLDER/START*END
        for row in (*table, *(Row("an agent", _whole(name), "its profile") for name in of_agents)):
            for name in row.names.lower().split():
                folder, _, last = name.rstrip("/").rpartition("/")
                start, star, end = last.partition("*")
                if folder and star:
                    self._paths_like.append((folder, start, end, row))
                elif folder:
                    self._paths.setdefault(last, []).append((folder, row))
                elif star:
                    self._patterns.append((start, end, row))
                else:
                    self._names[last] = row
        ends = [one[:2] for one in self._patterns] + [one[1:3] for one in self._paths_like]
        likely = re.compile("|".join(f"{re.escape(start)}.+{re.escape(end)}" for start, end in ends), re.DOTALL)
        self._like = likely.fullmatch  # one look for most names, which are none of them

    def within(self, folder: str) -> list[tuple[str, Row]]:
        """Return what is obeyed in a folder of this name as `FOLDER/NAME`, and its rows."""
        low = folder.lower()
        found = ((last, row) for last, paths in self._paths.items() for wanted, row in paths if _last(wanted) == low)
        return list(found)

    def is_like_within(self, folder: str) -> bool:
        """Whether a folder of this name may hold what is obeyed as `FOLDER/START*END`."""
        return any(_last(wanted) == folder.lower() for wanted, _, _, _ in self._paths_like)

    def obeys(self, path: str) -> bool:
        """Whether programs obey what has this path, relative to the root."""
        folder, _, name = path.rpartition("/")
        return self.find(folder, name) is not None

    def find(self, folder: str, name: str) -> Row | None:
        """Return the row of what is called `name` in a `folder` (as a relative path, "" for the root)."""
        low = name.lower()
        if low == ".git":
            return REPOSITORY
        if (row := self._names.get(low)) is not None:
            return row
        if low not in self._paths and not self._like(low):
            return None
        rows = [row for start, end, row in self._patterns if _is_between(low, start, end)]
        rows += [row for wanted, row in self._paths.get(low, ()) if _ends_with(folder.lower(), wanted)]
        rows += [
            row
            for wanted, start, end, row in self._paths_like
            if _is_between(low, start, end) and _ends_with(folder.lower(), wanted)
        ]
        return rows[0] if rows else None


UNSEEN = Obeyed(table=(*IGNORED, *TOLD))  # what is obeyed where git ignores it


def _is_between(name: str, start: str, end: str) -> bool:
    """Whether a name has this start and this end, and something between them."""
    return len(name) > len(start) + len(end) and name.startswith(start) and name.endswith(end)


def _last(folder: str) -> str:
    return folder.rpartition("/")[2]


def _ends_with(folder: str, wanted: str) -> bool:
    """Whether a path ends in these folders; `*` stands for any one."""
    words = wanted.split("/")
    last = folder.split("/")[-len(words) :]
    return len(last) == len(words) and all(word in ("*", one) for word, one in zip(words, last, strict=True))


def _whole(name: str) -> str:
    """Return the folder that an agent's file lies in, if it is one of its own: other files in it are obeyed too."""
    folder, slash, _ = name.partition("/")
    return folder + slash


def is_allowed(name: str, patterns: Sequence[str]) -> bool:
    """Return whether a path is one of the patterns: as a path, a folder above it, or by `*` and `**`."""
    return any(_as_regex(pattern).fullmatch(name) for pattern in patterns)


def _as_regex(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern.strip("/"))
    wild = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(wild.get(part, re.escape(part)) for part in parts) + "(?:/.*)?")


# --- a repository inside the project ------------------------------------------------------------------------------

# What `git clone` writes into a configuration: none of it runs a program. Everything else may.
_HARMLESS = {
    "core": "repositoryformatversion filemode bare logallrefupdates ignorecase precomposeunicode symlinks",
    "remote": "url fetch tagopt partialclonefilter promisor",
    "branch": "remote merge rebase",
    "submodule": "active url",
    "extensions": "objectformat partialclone refstorage",
}
_SECTION = re.compile(r'\[(\w+)(?: "[^"\\\n]*")?\]')
_SETTING = re.compile(r"(\w+) = ([^\\\"\n]*)")


def is_harmless(config: str) -> bool:
    """Return whether a repository's configuration holds only what a plain `git clone` writes."""
    keys: list[str] = []
    for line in map(str.strip, config.splitlines()):
        if section := _SECTION.fullmatch(line):
            keys = _HARMLESS.get(section[1].lower(), "").split()
        elif line and not ((found := _SETTING.fullmatch(line)) and found[1].lower() in keys and "::" not in found[2]):
            return False
    return True
