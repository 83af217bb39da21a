"""Which end-to-end test asserts what each option does: the marks in tests/e2e, and the options of the reference.

    option_tests.py            fails when an option of docs/reference.md has no test, or a mark names none of the options
    option_tests.py PAGE       adds the table of tests to that reference (script/generate)

A test says it with @pytest.mark.option("flag", ...); pytestmark = pytest.mark.option(...) speaks for a whole file, and the options of strest target
are called "target flag".
"""
import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEADING = "## Tests"


def read_options(page):
    """The options in the order of the page's tables: "url", "target listen"."""
    options, prefix = [], ""
    for line in page.split(f"\n{HEADING}\n")[0].splitlines():
        if line.startswith("#"):
            prefix = "target " if line.endswith("(strest target)") else ""
        row = re.match(r"\| `--([a-z0-9-]+)", line)
        if row:
            options.append(prefix + row[1])
    return options


def marks_in(nodes):
    """The options that the marks among these expressions name; one that is no literal text is an error."""
    for node in nodes:
        for call in ast.walk(node):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.option":
                yield from map(ast.literal_eval, call.args)


def is_pytestmark(node):
    return isinstance(node, ast.Assign) and any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets)


def read_tests():
    """The tests of each marked option, in the order of files and lines."""
    tests = {}
    for path in sorted((ROOT / "tests/e2e").glob("test_*.py")):
        tree, name = ast.parse(path.read_text(encoding="utf-8"), str(path)), path.relative_to(ROOT)
        for node in tree.body:
            if is_pytestmark(node):
                where, marks = str(name), marks_in([node.value])
            elif isinstance(node, ast.FunctionDef):
                where, marks = f"{name}::{node.name}", marks_in(node.decorator_list)
            else:
                continue
            for option in marks:
                tests.setdefault(option, []).append(where)
    return tests


def add_table(path, tests):
    page = path.read_text(encoding="utf-8")
    lines = [f"\n{HEADING}\n", "Where it is tested, from end to end, that an option does what it says.\n", "| option | tests |", "|---|---|"]
    for option in read_options(page):
        command, _, flag = option.rpartition(" ")
        shown = f"`strest target --{flag}`" if command else f"`--{flag}`"
        lines.append(f"| {shown} | {', '.join(f'`{test}`' for test in tests.get(option, [])) or 'none'} |")
    path.write_text(page + "\n".join(lines) + "\n", encoding="utf-8")


def check(tests):
    """Returns what is wrong, a line each."""
    options = read_options((ROOT / "docs/reference.md").read_text(encoding="utf-8"))
    if len(options) < 50:
        return [f"docs/reference.md: only {len(options)} options found"]
    wrong = [f'{where}: no option is called "{option}"' for option in tests if option not in options for where in tests[option]]
    return wrong + [f'{option}: no test in tests/e2e is marked with @pytest.mark.option("{option}")' for option in options if option not in tests]


def main():
    tests = read_tests()
    if len(sys.argv) > 1:
        add_table(Path(sys.argv[1]), tests)
        return 0
    wrong = check(tests)
    print("\n".join(wrong) or f"{len(tests)} options have their tests")
    return 1 if wrong else 0


sys.exit(main())
