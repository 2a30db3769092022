"""LaTeX equations in Markdown: $…$ in a text and $$…$$ as a block, as rules of markdown-it-py.

The dollar signs follow Pandoc: the first one has no space behind it, the last one none before it and no digit behind
it, so that "5 $ et 10 $" and "$5-$10" stay text. Within an equation, \\$ is a dollar sign.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

LONGEST = 1000  # characters of an expression: https://developers.notion.com/reference/request-limits
_INLINE = re.compile(
    r"\$\$(?P<display>(?:\\.|[^$\\])+)\$\$|\$(?![\s$])(?P<inline>(?:\\.|[^$\\])*?(?:\\.|[^\s$\\]))\$(?!\d)", re.S
)


def with_equations(parser: MarkdownIt) -> MarkdownIt:
    """Return the parser, which now makes tokens `math_inline` and `math_block` whose content is the expression."""
    parser.inline.ruler.before("backticks", "math_inline", _inline)
    parser.block.ruler.before("fence", "math_block", _block, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    return parser


def writable(expression: str) -> bool:
    """Tell whether an expression can stand between dollar signs in a text and be read as the same again."""
    match = _INLINE.fullmatch(f"${expression}$")
    return bool(match and match["inline"] == expression)


def _inline(state: StateInline, silent: bool) -> bool:
    match = _INLINE.match(state.src, state.pos)
    if match is None:
        return False
    if not silent:
        token = state.push("math_inline", "math", 0)
        token.content = (match["display"] or match["inline"]).strip()
    state.pos = match.end()
    return True


def _block(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    if state.is_code_block(first) or not _line(state, first).startswith("$$"):
        return False
    for end in range(first, last):
        outside = state.sCount[end] < state.blkIndent and not state.isEmpty(end)
        if outside:
            return False
        if _line(state, end).endswith("$$") and (end > first or len(_line(state, end)) > 4):
            break
    else:
        return False
    expression = state.getLines(first, end + 1, state.blkIndent, False).strip()[2:-2].strip()
    if not expression or "$$" in expression:
        return False
    if not silent:
        token = state.push("math_block", "math", 0)
        token.content, token.map = expression, [first, end + 1]
        state.line = end + 1
    return True


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]].rstrip()
