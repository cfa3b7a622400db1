# Cases that the agent never sees: they run after its own checks, in the project's root, and it learns only that one
# failed. Ask for the same behaviour with other values than the spec's examples, and for what lies at its edges.
set -e

# python3 -c 'from greet import greet; assert greet("Zoë") == "Hello, Zoë!"'
# test "$(echo 'a  b' | python3 count.py)" = 2
# ! python3 count.py no-such-file
false
