"""What the site, the check of links and the test of code blocks need to know about Markdown."""
import re

FENCE = re.compile(r"(```+|~~~+)\s*([\w+-]*)")
HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*$")
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(\s*<?([^()\s>]+(?:\([^()\s]*\))?)>?(?:\s+\"[^\"]*\")?\s*\)")


class Line:
    """A line with its number, counted from 1, and whether it is code or prose."""

    def __init__(self, number, text, code):
        self.number, self.text, self.code = number, text, code


class Block:
    """A block of code: the line of its first line, its language, its text, and the comment above it."""

    def __init__(self, number, language, text, comment):
        self.number, self.language, self.text, self.comment = number, language, text, comment


def read(path):
    """Return the lines and the blocks of a page. An indented block has the language `indented`."""
    lines, blocks = [], []
    opened = None  # the fence, and the block that it began
    indented = None  # the block of indented lines that is being read
    blank = True
    in_list = False  # indented lines of a list are prose
    comment = ""
    with open(path, encoding="utf-8") as file:
        for number, text in enumerate(file.read().split("\n"), 1):
            fence = FENCE.match(text)
            if opened:
                if fence and text.strip() == opened[0]:
                    opened = None
                else:
                    opened[1].text += text + "\n"
                lines.append(Line(number, text, True))
                continue
            if fence:
                opened = (fence.group(1), Block(number + 1, fence.group(2), "", comment))
                blocks.append(opened[1])
                lines.append(Line(number, text, True))
                comment, indented, blank = "", None, False
                continue
            if text.startswith("    ") and text.strip() and not in_list and (blank or indented):
                if not indented:
                    indented = Block(number, "indented", "", comment)
                    blocks.append(indented)
                    comment = ""
                indented.text += text[4:] + "\n"
                lines.append(Line(number, text, True))
                blank = False
                continue
            lines.append(Line(number, text, False))
            blank = not text.strip()
            if not blank:
                indented = None
                if re.match(r"\s*([-*+]|\d+\.)\s", text):
                    in_list = True
                elif not text.startswith(" "):
                    in_list = False
                found = re.fullmatch(r"<!--\s*(.*?)\s*-->", text.strip())
                comment = found.group(1) if found else ""
    return lines, blocks


def slug(title, _separator=None):
    """Return the anchor that GitHub gives a heading."""
    title = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", title)
    title = re.sub(r"<[^>]*>", "", title)
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


def anchors(lines):
    """Return the anchors of a page: those of its headings, and ids of HTML."""
    found = set()
    for line in lines:
        if line.code:
            continue
        found.update(re.findall(r"""\b(?:id|name)=["']([^"']+)["']""", line.text))
        heading = HEADING.match(line.text)
        if heading:
            name, count = slug(heading.group(2).replace("`", "")), 0
            while (name if not count else f"{name}-{count}") in found:
                count += 1
            found.add(name if not count else f"{name}-{count}")
    return found


def links(lines):
    """Yield (number, target, whether it is a picture) for every link of a page outside of code."""
    text = "\n".join("" if line.code else re.sub(r"`[^`]*`", lambda m: " " * len(m.group()), line.text)
                     for line in lines)
    for found in LINK.finditer(text):
        yield lines[text.count("\n", 0, found.start())].number, found.group(3), bool(found.group(1))
        inner = LINK.search(found.group(2))
        if inner:
            yield lines[text.count("\n", 0, found.start())].number, inner.group(3), True
