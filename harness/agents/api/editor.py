"""The editor of the model: look at files, write them whole, replace one place, insert lines; within its roots alone."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from harness.agents.api.arguments import LONGEST_TEXT, Create, Edit, Insert, Refused, Replace, View
from harness.agents.api.clip import LIMIT
from harness.agents.api.excerpt import (
    counted_lines,
    explain_many,
    explain_no_match,
    find_all,
    numbered,
    snippet,
    split_lines,
)
from harness.agents.api.within import (
    Target,
    find_line,
    find_target,
    is_crlf,
    list_entries,
    look_at,
    open_file,
    open_folder,
    read_all,
    read_content,
    refuse_binary,
    write_content,
)
from harness.domain.text import one_line
from harness.domain.units import format_size


class Editor:
    """Carries out the editor's commands; the replies are texts for the model, at most `limit` bytes of UTF-8."""

    def __init__(self, roots: Sequence[Path], limit: int = LIMIT) -> None:
        """The first of `roots` is the workspace: relative paths begin there."""
        self._roots = tuple(Path(os.path.realpath(root)) for root in roots)
        self._limit = limit

    def run(self, edit: Edit) -> str:
        """Carry out one command; raises Refused with a sentence when it cannot be done: nothing has changed then."""
        try:
            target = find_target(self._roots, edit.path)
            match edit:
                case View():
                    return self._view(target, edit)
                case Create():
                    return self._create(target, edit)
                case Replace():
                    return self._replace(target, edit)
                case Insert():
                    return self._insert(target, edit)
        except OSError as error:
            raise Refused(_explain(error, one_line(edit.path, 500))) from error

    # --- the four commands ---

    def _view(self, target: Target, view: View) -> str:
        try:
            fd = open_file(target)
        except IsADirectoryError:
            if view.span is not None:
                raise Refused(f"{target} is a folder; `view_range` is for files") from None
            return self._list(target)
        try:
            size = os.fstat(fd).st_size
            if size > LONGEST_TEXT:
                return self._view_part(target, fd, size, view.span)
            raw = read_all(fd, LONGEST_TEXT)
        finally:
            os.close(fd)
        refuse_binary(target, raw)
        lines = split_lines(raw.decode("utf-8", "replace"))
        first, last = view.span or (1, -1)
        if first > max(1, len(lines)):
            raise Refused(f"`view_range` starts at line {first}, but {target} has {counted_lines(len(lines))}")
        last = len(lines) if last == -1 else min(last, len(lines))
        return numbered(lines[first - 1 : last], first, len(lines), self._limit - 512) + _notes(raw)

    def _view_part(self, target: Target, fd: int, size: int, span: tuple[int, int] | None) -> str:
        """A few lines of a file that is too large to be read."""
        if span is None or span[1] == -1:
            raise Refused(
                f"{target} is {format_size(size)}, more than {format_size(LONGEST_TEXT)}; "
                "pass a `view_range` with an end, or use `grep`, `head` and `tail` in bash"
            )
        start = find_line(fd, span[0])
        if start is None:
            raise Refused(f"line {span[0]} of {target} was not found: the file is shorter, or that is too far into it")
        raw = os.pread(fd, self._limit + 1, start)
        refuse_binary(target, raw)
        lines = split_lines(raw.decode("utf-8", "replace"))[: span[1] - span[0] + 1]
        return numbered(lines, span[0], None, self._limit - 512)

    def _create(self, target: Target, create: Create) -> str:
        before = look_at(target)
        text, kept = create.text, ""
        if before is not None and "\r" not in text and is_crlf(target, before):
            text, kept = text.replace("\n", "\r\n"), "; its CRLF line endings were kept"
        write_content(target, text, before)
        verb = "Created" if before is None else "Overwrote the existing file"
        size = format_size(len(text.encode()))
        return f"{verb} {target} ({counted_lines(len(split_lines(text)))}, {size}{kept})."

    def _replace(self, target: Target, replace: Replace) -> str:
        content = read_content(target)
        old, new = (text.replace("\r\n", "\n") for text in (replace.old, replace.new))
        for newline in (content.newline, "\r\n" if content.newline == "\n" else "\n"):
            places = find_all(content.text, old.replace("\n", newline))
            if places:
                break
        else:
            raise Refused(explain_no_match(content.text, old))
        if len(places) > 1:
            raise Refused(explain_many(content.text, old, places))
        start, length = places[0], len(old.replace("\n", newline))
        new = new.replace("\n", newline)
        text = content.text[:start] + new + content.text[start + length :]
        write_content(target, text, content.info)
        line = text.count("\n", 0, start) + 1
        return f"Edited {target}:\n{snippet(text, line, line + new[:-1].count(chr(10)))}"

    def _insert(self, target: Target, insert: Insert) -> str:
        content = read_content(target)
        lines = split_lines(content.text, keep_ends=True)
        if insert.line > len(lines):
            raise Refused(
                f"`insert_line` is beyond the end: {target} has {counted_lines(len(lines))}, "
                f"so it can be 0 to {len(lines)}"
            )
        new = insert.text.replace("\r\n", "\n").replace("\n", content.newline)
        if not new.endswith("\n"):
            new += content.newline
        head, tail = "".join(lines[: insert.line]), "".join(lines[insert.line :])
        if head and not head.endswith("\n"):
            head += content.newline
        text = head + new + tail
        write_content(target, text, content.info)
        return f"Edited {target}:\n{snippet(text, insert.line + 1, insert.line + new.count(chr(10)))}"

    def _list(self, target: Target) -> str:
        """The folder, two levels deep."""
        lines = [f"{target}, two levels deep, without hidden entries:"]
        left = self._limit - 512
        with open_folder(target.root, target.path) as fd:
            for line in list_entries(fd, depth=2, indent=""):
                left -= len(line.encode("utf-8", "replace")) + 1
                if left < 0:
                    lines.append("[the rest is too long for one result; view a folder below, or use `find` in bash]")
                    break
                lines.append(line)
        return "\n".join(lines if len(lines) > 1 else [*lines, "(empty)"])


# --- sentences ----------------------------------------------------------------------------------------------------


def _notes(raw: bytes) -> str:
    """What one would not see in the lines."""
    notes = ""
    crlf = raw.count(b"\r\n")
    if crlf:
        mixed = "mixed line endings" if crlf < raw.count(b"\n") else "CRLF line endings"
        notes += f"\n[{mixed}; write \\n, they are kept]"
    try:
        raw.decode()
    except UnicodeDecodeError:
        notes += "\n[not UTF-8: some characters are shown as \ufffd]"
    return notes


def _explain(error: OSError, path: str) -> str:
    sentences = {
        errno.ENOENT: f"File not found: {path}",
        errno.EACCES: f"Permission denied: {path}",
        errno.EPERM: f"Permission denied: {path}",
        errno.EROFS: f"Permission denied: {path} is on a read-only file system",
        errno.EISDIR: f"{path} is a folder, not a file",
        errno.ENOTDIR: f"{path} leads through something that is not a folder",
        errno.ELOOP: f"{path} leads through a link that was changed just now, or in a circle",
        errno.ENAMETOOLONG: f"The file name is too long: {path}",
        errno.ENOSPC: f"No space left on the disk for {path}; the file is unchanged. Free some space first",
        errno.EDQUOT: f"The disk quota is used up: {path} is unchanged. Free some space first",
    }
    return sentences.get(error.errno or 0, f"Cannot use {path}: {(error.strerror or str(error)).lower()}")
