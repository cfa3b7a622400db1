"""The API agent, as a profile: how it is started is in `launch`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from harness.agents.api import launch
from harness.agents.profile import Credential, Profile
from harness.agents.providers import ANTHROPIC
from harness.agents.start import AgentOptions, Start
from harness.domain.agent import Access, CostSource, Dialect, Home
from harness.domain.provider import Provider, Redirected
from harness.system import files

_LOGIN = ".config/anthropic"


def command_line(start: Start) -> tuple[str, ...]:
    """Return the arguments. Raises AgentError when it could not make its first call."""
    options, api = start.options, start.options.api
    launch.check_start(api, start.model, start.environ)
    logs = (start.root / files.expand_home(options.logs_dir)).resolve()
    line = launch.command_line(
        api,
        model=start.model,
        environ=start.environ,
        also=() if logs.is_relative_to(start.root.resolve()) else (logs,),
        prices=tuple(map(launch.write_price, options.prices)),
        max_cost=start.attempt_limits.max_cost,
        timeout=start.timeout,
        long_cache=start.attempt_limits.long_cache,
    )
    return (*line, *options.agent_args)


def find_key(options: AgentOptions, environ: Mapping[str, str]) -> str:
    """Return what a request would be authorized by, in a word for people; "" when there is nothing."""
    return launch.find_key(options.api, environ)


def settle_providers(argv: tuple[str, ...], environ: Mapping[str, str]) -> tuple[Provider, ...]:
    """Return the provider as the arguments have it: where it calls, and which variable holds its key."""
    chosen = _last_value(argv, "--api-key-env")
    upstream = _last_value(argv, "--base-url") or environ.get(ANTHROPIC.variable) or ANTHROPIC.upstream
    keys = {chosen: "sk-"} if chosen else ANTHROPIC.keys
    return (replace(ANTHROPIC, keys=keys, upstream=upstream, settled=True),)


def redirect(inside: Redirected) -> Redirected:
    """Tell the address by an argument where one was told so: the last one counts."""
    if not _last_value(inside.argv, "--base-url"):
        return inside
    return replace(inside, argv=(*inside.argv, "--base-url", inside.addresses[ANTHROPIC.name]))


def _last_value(argv: tuple[str, ...], option: str) -> str:
    """Return the last value of an option, "" when it is not there."""
    found, before = "", ""
    for word in argv:
        found = word if before == option else word.partition("=")[2] if word.startswith(f"{option}=") else found
        before = word
    return found


def probe(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Return a command that fails where our own package or the SDK is not there."""
    look = "import importlib.util as u, harness.agents.api.launch; assert u.find_spec('anthropic')"
    return (argv[0], "-P", "-c", look)


def check(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Return a command that asks whether the server lets it in; counting the tokens of a word costs nothing."""
    return (*argv, "--check", "--api-timeout", "20")


def from_settings(options: AgentOptions) -> Profile:
    """Return the agent with the variable that a person names for its key."""
    named = filter(None, (options.api.api_key_env,))
    return replace(PROFILE, passes=(*PROFILE.passes, *named))


PROFILE = Profile(
    name="api",
    dialect=Dialect.CLAUDE,
    command_line=command_line,
    passes=("ANTHROPIC_*",),
    default_model=launch.DEFAULT_MODEL,
    has_fallbacks=True,
    cost=CostSource.DERIVED,  # by the price list, also while it works
    stops_itself=True,
    home=Home(reads=(_LOGIN,)),
    access=Access(
        providers=(ANTHROPIC,),
        logins=(_LOGIN,),
        login_hosts=("api.anthropic.com", "platform.claude.com"),
        redirect=redirect,
    ),
    credentials=(Credential("ANTHROPIC_API_KEY", "anthropic"), Credential("ANTHROPIC_AUTH_TOKEN", "anthropic")),
    find_key=find_key,
    settle_providers=settle_providers,
    version=None,
    probe=probe,
    check=check,
    from_settings=from_settings,
)
