"""What the lines of opencode mean."""

from helpers.recorded import lines_of, read


def test_opencode_counts_as_busy_within_a_step_because_it_tells_of_tools_when_they_are_over():
    assert read(lines_of("opencode/oc-sigkill"), "opencode").busy()
    assert not read(lines_of("opencode/oc-tool"), "opencode").busy()


def test_opencode_that_overflows_again_and_again_is_finished():
    overflow = {"type": "error", "error": {"name": "ContextOverflowError", "data": {"message": "too long"}}}
    step = {"type": "step_start", "part": {}}
    assert not read([overflow, step], "opencode").finished()
    assert read([overflow, step, overflow, step], "opencode").finished()
