"""The values and the words of the program. Imports nothing of ours."""
