"""What strest says about itself: help, man page, reference, completions."""

import re
import shutil
import subprocess

import pytest

from conftest import BINARY, ROOT
from terminal import OnTerminal


def said(strest, *args):
    """What a call prints on stdout; it must end well and say nothing else."""
    finished = strest.run(*args)
    assert finished.code == 0 and finished.err == "", finished
    return finished.out


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["help"]])
def test_the_short_help_fits_on_a_page(strest, words):
    text = said(strest, *words)
    assert len(text.splitlines()) <= 60
    assert max(map(len, text.splitlines())) <= 100
    for part in ("--url URL", "--rate N", "--help", "Exit codes:", "Examples:"):
        assert part in text
    assert "--retry-stale" not in text, "not one that most runs need"


@pytest.mark.parametrize("words", [["--help", "all"], ["-h", "all"], ["help", "all"]])
def test_the_whole_help_shows_every_option(strest, words):
    text = said(strest, *words)
    for part in ("--retry-stale", "--url", "--tls-min", "[key: retry_stale]", "Connections:", "--proxy URL", "HTTPS_PROXY", "STREST_LOG", "  99 "):
        assert part in text
    assert len(text.splitlines()) > 60


@pytest.mark.parametrize("words", [["target", "--help"], ["target", "-h"], ["help", "target"]])
def test_the_target_has_its_own_help(strest, words):
    text = said(strest, *words)
    assert "--listen ADDRESS:PORT" in text and "--url" not in text


@pytest.mark.parametrize("words", [["target", "--help", "all"], ["help", "target", "all"]])
def test_all_of_the_targets_help(strest, words):
    text = said(strest, *words)
    assert "--record FILE" in text and "--no-color" in text and "--url" not in text


@pytest.mark.parametrize("words", [["--version"], ["-V"]])
def test_the_version_stands_first(strest, words):
    lines = said(strest, *words).splitlines()
    assert re.fullmatch(r"strest \d+\.\d+\.\d+", lines[0])
    assert "TLS" in lines[1]


def options_of(strest):
    """The long names of all options, as the whole help shows them."""
    return sorted(set(re.findall(r"^ +(?:-\w, )?(--[a-z0-9-]+)", said(strest, "--help", "all"), re.MULTILINE)))


def test_every_option_of_the_help_stands_in_man_page_reference_and_completions(strest):
    names = options_of(strest)
    assert len(names) > 40
    for path in ("docs/reference.md", "completions/strest.bash", "completions/_strest", "completions/strest.fish", "docs/strest.1"):
        text = re.sub(r"\\f[BR]", "", (ROOT / path).read_text()).replace("\\-", "-")
        for name in names:
            word = name[2:] if path.endswith(".fish") else name
            assert re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text), f"{name} is not in {path}"


def test_the_config_file_of_the_reference_is_good(strest, tmp_path):
    example = re.search(r"```toml\n(.*?)```", (ROOT / "docs/reference.md").read_text(), re.DOTALL)[1]
    (tmp_path / "example.toml").write_text(example)
    finished = strest.run("config", "check", tmp_path / "example.toml", env={"TOKEN": "x"})
    assert finished.code == 0 and finished.out.endswith("example.toml: good\n"), finished


def test_every_key_of_the_reference_is_one(strest, tmp_path):
    """A key that nobody knows is refused with these words; a known one at most for its value."""
    page = (ROOT / "docs/reference.md").read_text()
    keys = {key for cell in re.findall(r"^\| `--[^|]*\| (`[^|]*) \|", page, re.MULTILINE) for key in re.findall(r"`([a-z_.]+)`", cell)}
    assert len(keys) > 40 and {"load.rate", "concurrency", "thresholds.abort"} <= keys
    for key in sorted(keys):
        (tmp_path / "one.toml").write_text(f"{key} = [[]]\n")
        finished = strest.run("config", "check", tmp_path / "one.toml")
        assert finished.code == 1 and "unknown" not in finished.out and "not known" not in finished.out, (key, finished)
    (tmp_path / "one.toml").write_text("no_such_key = []\n")
    assert "unknown" in strest.run("config", "check", tmp_path / "one.toml").out


@pytest.mark.skipif(not shutil.which("man"), reason="needs man (Debian: man-db)")
def test_the_man_page_can_be_shown():
    shown = subprocess.run(["man", "--warnings", "-l", str(ROOT / "docs/strest.1")], capture_output=True, text=True,
                           env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "100", "PAGER": "cat", "MANPAGER": "cat"})
    assert shown.returncode == 0 and shown.stderr == "", shown.stderr
    text = re.sub(r".\b|\033\[[0-9;]*m", "", shown.stdout) if "\b" in shown.stdout else shown.stdout
    for part in ("EXIT STATUS", "-m, --max-tasks N", "-d '{\"n\":1}'", "SSL_CERT_FILE"):
        assert part in text, part


@pytest.mark.skipif(not shutil.which("mandoc"), reason="needs mandoc")
def test_mandoc_has_no_complaint_about_the_man_page():
    found = subprocess.run(["mandoc", "-T", "lint", str(ROOT / "docs/strest.1")], capture_output=True, text=True)
    assert found.returncode == 0 and found.stdout == "", found.stdout


# ---- completions: each is really asked for ----

COMPLETIONS = [  # what is typed, what must be offered among others, what must not
    ("strest --max-t", {"--max-tasks"}, {"--method"}),
    ("strest --conc", {"--concurrency"}, set()),
    ("strest --method p", {"post", "put", "patch"}, {"get"}),
    ("strest -X de", {"delete"}, {"get"}),
    ("strest ta", {"target"}, {"config"}),
    ("strest con", {"config"}, {"target"}),
    ("strest config ", {"check"}, {"target"}),
    ("strest help ", {"target", "all"}, {"check"}),
    ("strest target --st", {"--stall"}, {"--stages", "--strict"}),
    ("strest -u http://localhost/ --tls-m", {"--tls-min", "--tls-max"}, {"--stall"}),
    ("strest --data-file bo", {"body.json"}, {"strest.toml"}),
    ("strest config check str", {"strest.toml"}, {"body.json"}),
    ("strest --config str", {"strest.toml"}, {"body.json"}),
    ("strest --connect", {"--connect-to", "--connect-timeout", "--connection-pick", "--connections"}, {"--config"}),
    ("strest --connection-pick m", {"mru"}, {"lru"}),
    ("strest --urls-from-file bo", {"body.json"}, {"strest.toml"}),
    ("strest --unix-socket bo", {"body.json"}, {"strest.toml"}),
    ("strest target --cert se", {"server.pem"}, {"body.json"}),
]


@pytest.fixture
def folder(tmp_path):
    """A folder with files to complete."""
    for name in ("body.json", "strest.toml", "server.pem"):
        (tmp_path / name).write_text("")
    return tmp_path


def ask_bash(folder, words, breaks=None):
    """What bash would offer; `words` as it takes them apart."""
    script = f"""
        {f"COMP_WORDBREAKS='{breaks}'" if breaks else ""}
        source {ROOT}/completions/strest.bash
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${{#COMP_LINE}}
        $(complete -p strest | sed 's/.*-F \\([^ ]*\\) .*/\\1/') strest "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD - 1]}}"
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    asked = subprocess.run(["bash", "--norc", "-c", script, "bash", *words], cwd=folder, capture_output=True, text=True)
    assert asked.returncode == 0 and asked.stderr == "", asked.stderr
    return set(asked.stdout.split("\n")) - {""}


@pytest.mark.parametrize("typed, offered, kept_back", COMPLETIONS)
def test_bash_completes(folder, typed, offered, kept_back):
    got = ask_bash(folder, typed.split(" "))
    assert offered <= got and not kept_back & got, got


@pytest.mark.parametrize("words, want", [
    (["strest", "--method", "=", "pu"], {"put"}),
    (["strest", "--method", "="], {"get", "head", "post", "put", "patch", "delete", "options"}),
    (["strest", "--arrival", "=", "even", "--meth"], {"--method"}),
    (["strest", "--data", "target", "--st"], {"--stages", "--status", "--stream-interval-ms", "--stream-summaries", "--streams", "--strict"}),
    (["strest", "--data", "=", "target", "--sta"], {"--stages", "--status"}),
    (["strest", "-m", "5", "target", "--li"], {"--listen"}),
    (["strest", "--insecure", "=", "t"], {"true"}),
    (["strest", "--help", ""], {"all"}),
    (["strest", ""], {"target", "cleanup", "config", "help"}),
    (["strest", "help", "target", ""], {"all"}),
    (["strest", "help", "all", ""], set()),
    (["strest", "--url", ""], set()),
    (["strest", "--rate", "1"], set()),
    (["strest", "config", "check", "strest.toml", ""], set()),
    (["strest", "target", "--rate", "--tl"], {"--tls"}),
])
def test_bash_knows_values_and_commands(folder, words, want):
    assert ask_bash(folder, words) == want


def test_bash_completes_behind_an_equals_sign_that_parts_no_words(folder):
    assert ask_bash(folder, ["strest", "--method=pu"], breaks=" ") == {"--method=put"}
    assert ask_bash(folder, ["strest", "--insecure=f"], breaks=" ") == {"--insecure=false"}


def test_bash_offers_every_option(strest, folder):
    missing = set(options_of(strest)) - ask_bash(folder, ["strest", "--"])
    assert not missing


def test_bash_puts_it_on_the_command_line(folder):
    """With readline, as a user has it: a folder gets its slash, a word its blank."""
    (folder / "data").mkdir()
    bash = OnTerminal(["bash", "--norc", "--noprofile"], columns=200, everything=True, cwd=folder, env={"PS1": "> ", "INPUTRC": "/dev/null"})
    try:
        bash.terminal.take_until(lambda raw: "> " in raw)
        bash.terminal.type(f"source '{ROOT}/completions/strest.bash'; PS1='ready> '\n")
        bash.terminal.take_until(lambda raw: raw.endswith("ready> "))
        for typed, want in [("strest --max-ta\t", "strest --max-tasks "), ("strest --cacert=da\t", "strest --cacert=data/"),
                            ("strest con\tch\tbo\t", "strest config check body.json ")]:
            bash.terminal.raw = ""
            bash.terminal.type(typed)
            bash.terminal.take_until(lambda raw: want in raw, limit=5)
            bash.terminal.type("\x15")
    finally:
        bash.close()


@pytest.mark.skipif(not shutil.which("zsh"), reason="needs zsh")
@pytest.mark.parametrize("typed, offered, kept_back", COMPLETIONS)
def test_zsh_completes(folder, typed, offered, kept_back):
    """An interactive zsh is typed to; it lists what fits, or puts the only one on the line."""
    zsh = OnTerminal(["zsh", "-f", "-i"], columns=200, everything=True, cwd=folder, env={"TERM": "dumb", "ZDOTDIR": str(folder), "HOME": str(folder)})
    try:
        zsh.terminal.type(f"PS1='> '; fpath=('{ROOT}/completions' $fpath); autoload -U compinit; compinit -u -D; unsetopt AUTO_MENU; "
                          "setopt LIST_AMBIGUOUS AUTO_LIST; LISTMAX=1000; echo re''ady\n")
        zsh.terminal.take_until(lambda raw: "\nready" in raw)
        zsh.terminal.take(0.2)
        zsh.terminal.raw = ""
        zsh.terminal.type(typed + "\t\t")
        words = lambda raw: set(re.findall(r"[\w./-]+", raw.replace(typed, "", 1) if len(offered) > 1 else raw))
        zsh.terminal.take_until(lambda raw: offered <= words(raw), limit=8)
        zsh.terminal.take(0.2)
        assert not kept_back & words(zsh.terminal.raw), zsh.terminal.raw
    finally:
        zsh.close()


@pytest.mark.skipif(not shutil.which("fish"), reason="needs fish")
@pytest.mark.parametrize("typed, offered, kept_back", COMPLETIONS)
def test_fish_completes(folder, typed, offered, kept_back):
    asked = subprocess.run(["fish", "--no-config", "-c", f"source {ROOT}/completions/strest.fish; complete -C '{typed}'"], cwd=folder, capture_output=True,
                           text=True, env={"PATH": f"{BINARY.rsplit('/', 1)[0]}:/usr/bin:/bin", "HOME": str(folder)})
    assert asked.returncode == 0 and asked.stderr == "", asked.stderr
    got = {line.split("\t")[0] for line in asked.stdout.splitlines()}
    assert offered <= got and not kept_back & got, got
