"""A runner that drives a coding agent through a folder of specs until each feature is done and proven.

Begin with `loop.py`: the program on one screen. Each folder is a room; its rule is the first line of its docstring.
A file imports only from its own folder and from those named in its row; `tests/test_structure.py` reads this table.

    folder      what it is                                          imports, besides system and domain
    ----------  --------------------------------------------------  -------------------------------------------
    loop        the loop: look, begin, work, keep                   attempts run decide records
    cli         arguments in, exit code out                         everything
    attempts    one attempt, from its order to its receipt          run workspace agents records findings
                                                                    decide
    run         what a run holds, waits for and tells               sandbox agents specs workspace records
                                                                    settings decide
    reports     one document for each reporting command             agents specs records settings decide
    sandbox     puts a command inside                               workspace settings records
    workspace   where an attempt works, and what it changed         records
    agents      one module says all about one agent                 settings
    specs       what a person wrote becomes features                settings decide
    listeners   who hears of events                                 records settings
    rehearsal   demo and chaos: harness from outside                records settings
    records     the files in logs/, a module for each kind          nothing
    settings    every setting, once                                 nothing
    findings    what a change itself says against its claim         decide (and not system)
    decide      the decisions, pure                                 nothing (and not system)
    system      one door to each thing outside                      nothing
    domain      values and words                                    nothing (and not system)
"""

__version__ = "0.1.0"
