def test_a_folder_that_cannot_be_looked_at_is_told_and_no_bug(harness) -> None:
    ran = harness("demo", "--dir", "x" * 300)
    assert (ran.code, ran.err.startswith("error: cannot look at `")) == (2, True)
