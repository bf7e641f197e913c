"""Pages that the program writes of itself: its commands, the keys of a job, the schema of results."""
import json
import os
import re
import subprocess


def ask(hesse, *words):
    """Return what the program prints."""
    return subprocess.run([hesse, *words], capture_output=True, text=True, check=True,
                          env=dict(os.environ, COLUMNS="100")).stdout


def save(source, name, text):
    path = os.path.join(source, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return name


def command_names(hesse):
    """Return the commands in the order of `hesse help`."""
    return re.findall(r"^  (?!--)(\w+)\b", ask(hesse, "help"), re.MULTILINE)


def command_pages(hesse, source):
    """Write a page for each command, its help as it is printed; return their names."""
    names = []
    for command in command_names(hesse):
        words = ["help", command] if command not in ("help", "version") else [command, "--help"]
        asked = subprocess.run([hesse, *words], capture_output=True, text=True, check=False)
        if asked.returncode:  # a Python command whose libraries are missing, say
            raise SystemExit(f"tools/site: hesse {' '.join(words)}: {asked.stderr.strip()}")
        lines = asked.stdout.strip("\n")
        names.append(command)
        save(source, f"commands/{command}.md",
             f"# hesse {command}\n\nThis is what `hesse {' '.join(words)}` prints.\n\n"
             f"```text\n{lines}\n```\n")
    return names


def rows(text):
    """Yield (section, cells of the head, cells) for the tables that the program prints as Markdown."""
    section = head = None
    for line in text.split("\n"):
        found = re.fullmatch(r"<!-- generated: (.*) -->", line)
        if found:
            section, head = found.group(1), None
        elif line.startswith("|") and not line.startswith("|---"):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            if head is None:
                head = cells
            else:
                yield section, head, cells


def key_pages(hesse, source):
    """Write a page for each section of a job, with a heading for each key; return the sections."""
    properties = json.loads(ask(hesse, "keys", "--json"))["properties"]
    texts = {}
    for section, head, cells in rows(ask(hesse, "keys", "--markdown")):
        top = section.split(".")[0]
        text = texts.setdefault(top, f"# Keys of {top}\n")
        fact = dict(zip(head, cells))
        key, mark = re.fullmatch(r"`([^`]+)`\s*(\*?)", fact["key"]).groups()
        inside = section[len(top) + 1:]
        path = ".".join(part for part in (top, inside, key) if part)
        if not known(properties, path.split(".")):
            raise SystemExit(f"tools/site: hesse keys --json has no key {path}")
        meaning = fact["meaning"].replace("\\|", "|")
        meaning = re.sub(r"\((docs/[\w-]+\.md)\)", r"([\1](../\1))", meaning)
        text += f"\n## {path}\n\n{meaning}\n\n"
        text += f"- Value: {fact['value']}\n- Default: {fact['default']}\n"
        if "for" in fact:
            text += f"- For: {fact['for']}\n"
        if mark:
            text += "- `model.config` replaces this key.\n"
        texts[top] = text
    for top, text in texts.items():
        save(source, f"keys/{top}.md", text)
    return list(texts)


def known(properties, path):
    """Return whether the schema of jobs has a key."""
    for part in path[:-1]:
        properties = properties.get(part, {}).get("properties", {})
    return path[-1] in properties


def schema_page(hesse, source):
    """Write a page with every object of a result file; return its name."""
    schema = json.loads(ask(hesse, "schema"))
    text = (f"# Schema of result files\n\nThis is schema {schema['schema_version']}, as `hesse schema` prints "
            f"it in JSON. [The guide to result files](../docs/result.md) explains it. The program reads files "
            f"from schema {schema['oldest_version_read']} on.\n\n## axes\n\n| axis | length | dimension scale |"
            "\n|---|---|---|\n")
    for axis, fact in schema["axes"].items():
        scale = f"`{fact['scale']}`" if "scale" in fact else "none"
        text += f"| `{axis}` | {fact['length']} | {scale} |\n"
    sections = {}
    for row in schema["rows"]:
        name = "/" + row["path"] + (f" @ {row['attribute']}" if "attribute" in row else "")
        axes = " x ".join(row.get("shape", [])) or "one value"
        kind = row["kind"] + (", optional" if row["optional"] else "")
        meaning = row["description"].replace("|", "\\|")
        sections.setdefault(row["section"], []).append(
            f"| `{name}` | {kind} | {row['type']} | {axes} | {meaning} |\n")
    for section, lines in sections.items():
        text += (f"\n## {section}\n\n| object | kind | type | axes | meaning |\n|---|---|---|---|---|\n"
                 + "".join(lines))
    return save(source, "schema/README.md", text)


def index(source, folder, title, text, names):
    """Write the page that leads to the pages of a folder; return its name."""
    return save(source, f"{folder}/README.md", f"# {title}\n\n{text}\n\n"
                + "".join(f"- [{name}]({name}.md)\n" for name in names))


def write(hesse, source):
    """Write all pages; return the names of those that lead to the others."""
    commands, keys = command_pages(hesse, source), key_pages(hesse, source)
    return [index(source, "commands", "Commands", "The help of every command, as the program prints it:", commands),
            index(source, "keys", "Keys of a job", "Every key of a job, with a page for each section. "
                  "[The guide to job files](../docs/job.md) explains them.", keys),
            schema_page(hesse, source)]
