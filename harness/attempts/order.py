"""What goes out to whoever works, and what comes back: values that can travel to another thread or another machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from harness.domain.agent import Agent
from harness.domain.feature import Check
from harness.domain.reply import Reply
from harness.domain.review import Review
from harness.domain.verdict import CheckedIn, CheckRun
from harness.system.command import Bounds
from harness.workspace.clean_checkout import CheckoutPlan


@dataclass(frozen=True, slots=True)
class Earlier:
    """The checks of a feature that is done, which a claim must not break."""

    slug: str
    checks: tuple[Check, ...]
    in_tree: bool = False  # it was proven in the working tree


@dataclass(frozen=True, slots=True)
class Replay:
    """A claim's commit, with the files that judge it as they were before the work, for a second look.

    `with_new` keeps tests that came, `new`, from the project's root: for checks that need them.
    """

    as_it_was: CheckoutPlan
    with_new: CheckoutPlan | None = None
    new: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()  # the names of those tests, where they are all that came
    tasks: frozenset[str] = frozenset()  # targets, recipes, sessions and the like that came
    stubbed: CheckoutPlan | None = None  # with nothing in those new tests that may change how others run
    control: CheckoutPlan | None = None  # the claim as it is, where its checks run in the working tree
    before: frozenset[str] = frozenset()  # files that were in the project
    green_before: frozenset[str] = frozenset()  # commands that need no new test to pass


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to a reviewer, as who asks it needs it: of whom, in which words, and in a checkout of what."""

    review: Review
    agent: Agent
    prompt: str
    bounds: Bounds
    plan: CheckoutPlan
    folder: Path  # the prompt lies there, and what is printed goes there
    prefix: str  # of the project, in the checkout
    specs: str  # there: what they hold out is held out from reviewers, too


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back of a question: the reply and what it says, or why there is none."""

    reply: Reply | None = None
    text: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """One attempt, as who works on it needs it; once it is `claimed`, what is asked for is the checks.

    Where there are `questions`, these alone are asked: the checks have passed.
    """

    slug: str
    number: int
    folder: Path  # of the attempt: the prompt lies there, and what is printed goes there
    root: Path  # where the work is done
    base: str  # the commit that it begins at, "" without one
    agent: Agent
    prompt: str
    bounds: Bounds  # of the agent
    private_logs: Path  # what a confined agent sees as logs/
    checks: tuple[Check, ...]  # of a claim
    held_out: tuple[Check, ...]  # of a claim too, unknown to its agent; what they need is in `held_out_folder`
    held_out_folder: Path
    check_timeout: float  # seconds that a check gets which names none itself
    check_retries: int = 0  # of one that is red, and was green on the same files
    known: tuple[CheckRun, ...] = ()  # how the checks of the claim ended before on the same files
    may_change: tuple[str, ...] = ()  # of what is read-only inside
    claimed: bool = False
    earlier: tuple[Earlier, ...] = ()
    plan: CheckoutPlan | None = None  # of the clean checkout that the claim is checked in; None for the working tree
    replay: Replay | None = None  # where files were changed that judge the claim
    questions: tuple[Asked, ...] = ()  # to reviewers
    since: float = 0.0  # when the work that is not accepted yet began, in epoch seconds

    @property
    def key(self) -> str:
        """Whose it is, in one word."""
        return f"{self.slug}#{self.number}"


@dataclass(frozen=True, slots=True)
class Difference:
    """What git ignores, and may make checks green in the working tree alone.

    `older` was there before the work began; `made` came since, and makes a difference as far as that was seen.
    `by_older` says that with the older things alone they are green in a clean checkout; `old_times`, that these are the
    times of files. `new_times` are files that they are green by because of when they were changed since.
    """

    older: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    by_older: bool = False
    old_times: bool = False
    new_times: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of an order: the agent's reply, or how the checks of its claim ended."""

    reply: Reply | None = None
    checks: tuple[CheckRun, ...] = ()
    earlier: tuple[CheckRun, ...] = ()  # of features that are done
    replayed: tuple[CheckRun, ...] = ()  # the checks again, with the files that judge as they were
    held_out: tuple[CheckRun, ...] = ()  # the checks that its agent does not know
    needed_new: tuple[str, ...] = ()  # those commands of them that passed with new tests only
    answers: tuple[Answered, ...] = ()  # of reviewers, in the order of the questions
    failed_setup: CheckRun | None = None  # of the clean checkout: then the checks ran in the working tree
    in_tree: tuple[CheckRun, ...] = ()  # those that were red in a clean checkout, run again in the working tree
    difference: Difference | None = None  # what makes them green there
    checked_in: CheckedIn = field(default_factory=CheckedIn)
