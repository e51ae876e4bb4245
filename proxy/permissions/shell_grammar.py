"""Reads a shell line a second time, by tree-sitter's grammar: what it does not know or reads otherwise."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import cast

import tree_sitter
import tree_sitter_bash

from proxy.permissions.shell_values import Problem

_LANGUAGE = tree_sitter.Language(tree_sitter_bash.language())
_KNOWN = frozenset(
    {
        "ansi_c_string",
        "arithmetic_expansion",
        "array",
        "binary_expression",
        "brace_expression",
        "c_style_for_statement",
        "case_item",
        "case_statement",
        "command",
        "command_name",
        "command_substitution",
        "comment",
        "compound_statement",
        "concatenation",
        "declaration_command",
        "do_group",
        "elif_clause",
        "else_clause",
        "expansion",
        "extglob_pattern",
        "file_descriptor",
        "file_redirect",
        "for_statement",
        "function_definition",
        "heredoc_body",
        "heredoc_content",
        "heredoc_end",
        "heredoc_redirect",
        "heredoc_start",
        "herestring_redirect",
        "if_statement",
        "list",
        "negated_command",
        "number",
        "parenthesized_expression",
        "pipeline",
        "postfix_expression",
        "process_substitution",
        "program",
        "raw_string",
        "redirected_statement",
        "regex",
        "simple_expansion",
        "special_variable_name",
        "string",
        "string_content",
        "subscript",
        "subshell",
        "test_command",
        "test_operator",
        "translated_string",
        "unary_expression",
        "unset_command",
        "variable_assignment",
        "variable_assignments",
        "variable_name",
        "while_statement",
        "word",
    }
)
_WHOLE = frozenset({"string", "raw_string", "ansi_c_string", "translated_string", "comment", "heredoc_body"})
"""Nodes that are one piece of a word, or none, whatever is in them."""
_OUTSIDE = frozenset({"comment", "heredoc_body", "heredoc_end"})
_OPERATORS = frozenset(
    {
        "&",
        "&&",
        "&>",
        "&>>",
        "(",
        ")",
        ";",
        ";&",
        ";;",
        ";;&",
        "<",
        "<&",
        "<&-",
        "<<",
        "<<-",
        "<<<",
        "<>",
        ">",
        ">&",
        ">&-",
        ">>",
        ">|",
        "|",
        "|&",
        "||",
    }
) | {"\n"}
_MAX_NODES = 12_000


def second_reading(
    text: str, spans: Sequence[tuple[int, int]] | None, descriptors: Collection[tuple[int, int]] = ()
) -> list[Problem]:
    """Returns where the grammar finds errors, unknown parts, or words at other places than `spans`.

    Args:
        text: the line, joined lines taken together.
        spans: where our own reader found words, in characters; None: do not compare.
        descriptors: where it found descriptors of redirections, which the grammar may take for words.
    """
    data = text.encode("utf-8", "surrogatepass")
    tree = tree_sitter.Parser(_LANGUAGE).parse(data)
    leaves: list[tree_sitter.Node] = []
    for count, node in enumerate(_walk(tree)):
        if count > _MAX_NODES:
            return [Problem("too-many", "the line has too many parts")]
        if node.is_error or (node.is_missing and not _is_end_of_line(data, node)):
            return [Problem("syntax", "the line is no complete bash syntax")]
        if node.is_named and node.type not in _KNOWN:
            return [Problem("unknown", f"the line holds a part that is not known: {node.type}")]
        if not node.child_count or node.type in _WHOLE:
            leaves.append(node)
    if spans is None:
        return []
    ours, known = _byte_spans(text, data, spans), _byte_spans(text, data, descriptors)
    if _word_spans(leaves) - known != ours:
        return [Problem("two-readings", "the line can be read in two ways")]
    return []


def _walk(tree: tree_sitter.Tree) -> Iterator[tree_sitter.Node]:
    cursor = tree.walk()
    while True:
        node = cast("tree_sitter.Node", cursor.node)  # there is one until the parents end
        yield node
        if (node.type not in _WHOLE or node.has_error) and cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


def _is_end_of_line(data: bytes, node: tree_sitter.Node) -> bool:
    """Tells whether a missing separator is only the line's end that a here-document has used up."""
    return node.type in {";", "\n"} and data[: node.start_byte].endswith(b"\n")


def _word_spans(leaves: Sequence[tree_sitter.Node]) -> set[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for leaf in leaves:
        start, end = leaf.start_byte, leaf.end_byte
        if leaf.type in _OUTSIDE or leaf.type in _OPERATORS or leaf.type == "file_descriptor" or start == end:
            continue
        if spans and spans[-1][1] == start:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return set(spans)


def _byte_spans(text: str, data: bytes, spans: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
    if len(data) == len(text):
        return set(spans)
    offsets = [0]
    for character in text:
        offsets.append(offsets[-1] + len(character.encode("utf-8", "surrogatepass")))
    return {(offsets[start], offsets[end]) for start, end in spans}
