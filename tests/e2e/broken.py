"""Config files that are broken in one place, and where that is: the writer of a file knows.

Each broken value stands in an otherwise good file, as TOML and as JSON.
"""

import json

URL = "http://127.0.0.1:9/"

TEXTS = ("url accept content_type data host stages tls_min tls_max method retry_stale arrival rate_unit spin kernel_stamps basic_auth bearer proxy proxy_url "
         "unix_socket connection_pick http_version output_format metrics_range").split()
PATHS = "data_file data_lines urls_from_file cacert cert key junit output export_csv export_json export_jsonl hdr_log db_url".split()
FOLDERS = ["charts_path", "tmp_path"]
CHOICES = "method retry_stale arrival rate_unit spin kernel_stamps tls_min tls_max connection_pick http_version output_format".split()
COUNTS = {"max_tasks": (1, 1000000), "concurrency": (1, 1000000), "connections": (1, 1000000), "spawn_rate": (1, 1000000),
          "spawn_interval": (1, 3600000), "requests": (1, 10**18), "threads": (1, 256), "preconnect": (0, 1000000), "seed": (0, 10**18),
          "redirect": (0, 1000), "requests_per_connection": (1, 10**18), "http2_parallel": (1, 1000), "streams": (1, 1000), "metrics_max": (1, 10**18), "log_shards": (1, 64)}
REALS = {"rate": 10**7, "rpm": 6 * 10**8}
TIMES = {"duration": 31622400, "warmup": 31622400, "timeout": 86400, "connect_timeout": 86400}
FLAGS = ("no_ua authorized insecure tls_resume json truth strict no_color compressed no_proxy ipv4 ipv6 no_pre_lookup disable_keepalive http2 keep_tmp no_charts").split()
LISTS = {"headers": "A: b", "alpn": "http/1.1", "proxy_headers": "A: b", "form": "a=b", "connect_to": "a:1:b:2", "bind": "127.0.0.1", "labels": "a=b"}


def wrong_values():
    """(key, value, words of the sentence): one wrong value for a key."""
    for key in TEXTS:
        for value in (5, 1.5, True) if key == "data" else (5, 1.5, True, [1], {}):
            yield key, value, "is not a text"
    yield "data", {}, "is not an array of tables"
    for key in PATHS:
        for value in 5, 1.5, True, [1], {}:
            yield key, value, "is not the path of a file"
    for key in FOLDERS:
        for value in 5, 1.5, True, [1], {}:
            yield key, value, "is not the path of a folder"
    yield "charts_path", "", "is empty"
    yield "charts_path", "50", "is a number"
    for key in CHOICES:
        yield key, "wibble", "'wibble'"
        yield key, "", "''"
    for key, (least, most) in COUNTS.items():
        for value in "60", 1.5, True, [5], {}:
            yield key, value, "is not a whole number"
        for value in -1, least - 1, most + 1:
            yield key, value, "is too large" if value > most else "is too small"
    for key, most in REALS.items():
        for value in "60", True, [5], {}:
            yield key, value, "is not a number"
        yield key, -1, "is below 0"
        yield key, -0.5, "is below 0"
        yield key, 0, "is too small"
        yield key, most + 1, "is too large"
    for key, most in TIMES.items():
        for value in 1.5, True, [5], {}:
            yield key, value, "is not a whole number of seconds"
        for value in "5x", "", "5 s", -1, "-5s":
            yield key, value, "is not a duration"
        for value in 0, "0s":
            yield key, value, "is no time at all"
        yield key, most + 1, "is too long"
    for value in 99, 600, -1, "2x", "", "200,":
        yield "status", value, "is not a set of status codes"
    for value in 1.5, True, [200], {}:
        yield "status", value, "is not a status code"
    for key in FLAGS:
        for value in "true", 1, 0, 1.5, [True], {}:
            yield key, value, "is not true or false"
    for key, good in LISTS.items():
        for value in good, 5, True, {}:
            yield key, value, "is not an array of texts"
    for key in "accept", "content_type", "host", "bearer":
        yield key, "a\nb", "control character"
    yield "bearer", "", "the value is empty"
    yield "bearer", "Bearer token", "the value has a blank"
    for value, words in ("nocolon", "has no ':'"), ("", "has no ':'"), (":password", "has no user"), ("user:pass\tword", "has a control character"):
        yield "basic_auth", value, f"basic_auth: the value {words}"
    for value, words in (("proxy:3128", "write http://proxy:3128"), ("socks5://proxy:1", "scheme 'socks5' is not supported"), ("", "URL is empty"),
                         ("http://proxy:0", "the port is not"), ("http://proxy/path", "has a path"), ("http://proxy:3128?a", "has a path or a query"),
                         ("http://", "has no valid host")):
        yield "proxy", value, words
    for value, words in ("", "the path is empty"), ("/" + "x" * 107, "108 bytes"):
        yield "unix_socket", value, words
    yield "stages", "1s", "stage 1"
    yield "stages", "1s@5,2s@", "stage 2"
    yield "load", 5, "is not a table"
    yield "load", [], "is not a table"
    yield "load", "10s@5", "is not a table"
    yield "thresholds", "p99<1s", "is not a table"
    yield "thresholds", ["p99<1s"], "is not a table"
    yield "data", "${STREST_NOT_SET}", "'STREST_NOT_SET' is not set"
    yield "data", "${1}", "names no variable"
    yield "timeout", "${STREST_NOT_SET}s", "'STREST_NOT_SET' is not set"


def wrong_keys():
    """(key, value, words): a key that is not to be there."""
    for key, near in (("max-tasks", "max_tasks"), ("max_taks", "max_tasks"), ("ulr", "url"), ("Method", "method"), ("timeouts", "timeout"),
                      ("connect-timeout", "connect_timeout"), ("threshold", "thresholds"), ("durtion", "duration"), ("no_chart", "no_charts"),
                      ("loads", "load"), ("tls-min", "tls_min"), ("no_tui", "no_ui")):
        yield key, 1, f"did you mean '{near}'?"
    for key in "wibble", "replay", "x" * 200, "listen", "a b", "é":
        yield key, 1, "unknown key"
    for key in "verbose", "debug", "config", "print_config":
        yield key, True, f"--{key.replace('_', '-')}"
    for key, value in (("aws_sigv4", "x"), ("script", "x.wasm"),
                       ("proxy_http_version", "2"), ("proxy_http2", True)):
        yield key, value, "later version"


def toml(value):
    """A value as TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml_key(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def toml_key(key):
    bare = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
    return key if bare else json.dumps(key, ensure_ascii=False)


class Broken:
    """A text that is broken at a line and column."""

    def __init__(self, suffix, text, line, column, words):
        self.suffix, self.text, self.line, self.column, self.words = suffix, text, line, column, words

    def __repr__(self):
        return f"{self.suffix[1:]}-{self.words}-{self.line}:{self.column}"


def single(key, value, words, at_value):
    """A file with this one key besides the URL, in both languages. The key begins in column 3."""
    url = [] if key in ("url", "urls_from_file") else [("url", URL)]
    column = 3 + len(toml_key(key)) + 3 if at_value else 3
    head = "".join(f"{k} = {toml(v)}\n" for k, v in url)
    yield Broken(".toml", f"# é\n{head}  {toml_key(key)} = {toml(value)} # after\n", 2 + len(url), column, words)
    name = json.dumps(key, ensure_ascii=False)
    column = 3 + len(name) + 2 if at_value else 3
    head = "".join(f"  {json.dumps(k)}: {json.dumps(v)},\n" for k, v in url)
    yield Broken(".json", f"{{\n{head}  {name}: {json.dumps(value)}\n}}\n", 2 + len(url), column, words)


def marked(suffix, text, words):
    """A file whose place at fault is marked with a »."""
    before, after = text.split("»")
    line = before.count("\n") + 1
    return Broken(suffix, before + after, line, len(before) - (before.rfind("\n") + 1) + 1, words)


TOML = [
    # syntax
    ("url = »http://x", "is no value"),
    ("url = 'a»\n", "string"),
    ("url = \"x\"\nrate = »\n", "expected value"),
    ("[load»\nrate = 5", "']'"),
    ("rate = »1.2.3", "floating-point"),
    ("rate = »0123", "leading zero"),
    ("max_tasks = »99999999999999999999", "64 bits"),
    ("status = 200 »201", "expected a comment"),
    ("headers = [\"A: b\", »,]", "array"),
    ("data = \"a\\»q\"", "escape"),
    ("»= 5", "expected keys"),
    ("»é = 5", "expected keys"),
    # doubled
    ("rate = 5\n»rate = 6", "twice"),
    ("rate = 5\n  »\"rate\"   =    6", "twice"),
    ("[load]\nrate = 5\n»[load]\nrate = 5", "twice"),
    ("[load]\nrate = 5\n»rate = 5", "twice"),
    ("max_tasks = 5\n»connections = 5", "says the same as max_tasks in line 1"),
    ("concurrency = 5\n»max_tasks = 5", "says the same as concurrency in line 1"),
    # across keys
    ("data = \"a\"\n»data_file = \"b\"", "excludes data in line 1"),
    ("data_lines = \"a\"\n»data = \"b\"", "excludes data_lines in line 1"),
    ("data_file = \"a\"\n»data_lines = \"b\"", "excludes data_file in line 1"),
    ("rate = 5\n»rpm = 5", "excludes rate in line 1"),
    ("rate = 5\n[»load]\nrate = 5", "excludes rate in line 1"),
    ("rpm = 5\n[[»load.stages]]\nduration = \"1s\"\ntarget = 5", "excludes rpm in line 1"),
    ("cacert = \"a\"\n»insecure = true", "excludes cacert in line 1"),
    ("insecure = true\n»cacert = \"a\"", "excludes insecure in line 1"),
    ("url = \"http://x\"\n»urls_from_file = \"a\"", "excludes url in line 1"),
    ("urls_from_file = \"a\"\n»data_lines = \"b\"", "excludes urls_from_file in line 1"),
    ("data = \"a\"\n»form = [\"a=b\"]", "excludes data in line 1"),
    ("form = [\"a=b\"]\n»content_type = \"a/b\"", "excludes form in line 1"),
    ("basic_auth = \"a:b\"\n»bearer = \"c\"", "excludes basic_auth in line 1"),
    ("ipv4 = true\n»ipv6 = true", "excludes ipv4 in line 1"),
    ("proxy = \"http://x\"\n»no_proxy = true", "excludes proxy in line 1"),
    ("proxy = \"http://x\"\n»proxy_url = \"http://y\"", "says the same as proxy in line 1"),
    ("unix_socket = \"a\"\n»proxy = \"http://x\"", "excludes unix_socket in line 1"),
    ("unix_socket = \"a\"\n»bind = [\"127.0.0.1\"]", "excludes unix_socket in line 1"),
    ("connect_to = [\"a:1:b:2\"]\n»unix_socket = \"a\"", "excludes connect_to in line 1"),
    ("disable_keepalive = true\n»requests_per_connection = 5", "excludes disable_keepalive in line 1"),
    # load
    ("[»load]", "nothing would be sent"),
    ("[»load]\nrate = 0", "nothing would be sent"),
    ("[load]\nrate = 5\n»rpm = 5", "excludes load.rate in line 2"),
    ("[load]\nrate = »\"5\"", "is not a number"),
    ("[load]\nrate = »-1", "below 0"),
    ("[load]\nrpm = »true", "is not a number"),
    ("[load]\n»rat = 5\nrate = 5", "did you mean 'rate'?"),
    ("[load]\nrate = 5\n»max_tasks = 5", "belongs to the top level"),
    ("[load]\nrate = 5\nstages = »5", "array of tables"),
    ("[load]\nstages = [»5]", "stage 1"),
    ("»[[load.stages]]\ntarget = 5", "stage 1: no duration"),
    ("»[[load.stages]]\nduration = \"1s\"", "stage 1: no target"),
    ("[[load.stages]]\nduration = »\"1x\"\ntarget = 5", "stage 1, duration"),
    ("[[load.stages]]\nduration = »\"0s\"\ntarget = 5", "stage 1, duration"),
    ("[[load.stages]]\nduration = »1.5\ntarget = 5", "stage 1, duration"),
    ("[[load.stages]]\nduration = \"1s\"\ntarget = 5\n\n[[load.stages]]\nduration = \"1s\"\ntarget = »\"5\"", "stage 2, target"),
    ("[[load.stages]]\nduration = \"1s\"\ntarget = 5\n\n[[load.stages]]\nduration = \"1s\"\ntarget = »-5", "stage 2, target"),
    ("[[load.stages]]\nduration = \"1s\"\ntarget = 5\n»rpm = 5", "stage 1, rpm"),
    ("[[load.stages]]\nduration = \"1s\"\nrate = 5\n»target = 5", "stage 1, target"),
    ("[[load.stages]]\nduration = \"1s\"\ntarget = 5\n»ramp = 5", "unknown key 'ramp'"),
    # lists
    ("headers = [\"A: b\",\n  »\"no colon\"]", "item 2"),
    ("headers = [»5]", "item 1"),
    ("headers = [\"A: b\", »\": x\"]", "item 2"),
    ("alpn = [\"http/1.1\", »\"spdy\"]", "item 2"),
    ("proxy_headers = [\"A: b\", »\"no colon\"]", "item 2"),
    ("form = [\"a=b\", »\"no sign\"]", "form, item 2"),
    ("form = [»\"=value\"]", "form, item 1"),
    ("connect_to = [\"a:1:b:2\",\n »\"a:1:b\"]", "fewer than four parts"),
    ("connect_to = [»\"::1:80:a:1\"]", "in brackets"),
    ("metrics_range = »\"5-1\"", "no range"),
    ("url = \"http://a/\"\noutput = »\"x.dat\"", "does not say what to write"),
    ("url = \"http://a/\"\nlog_shards = 2\ndb_url = »\"x\"", "log_shards"),
    ("labels = [»\"a\"]", "no '='"),
    ("url = \"http://a/\"\nlabels = [\"a=b\", \"c=d\", »\"a=c\"]", "given twice"),
    ("connect_to = [»\"a:1:b:65536\"]", "from 1 to 65535"),
    ("bind = [»\"localhost\"]", "no IP address"),
    ("bind = [\"127.0.0.1\", »\"10.0.0.0/24,10.0.0.7/24\"]", "write 10.0.0.0/24"),
    # thresholds
    ("[thresholds]\np99 = »\"<250\"", "time with its unit"),
    ("[thresholds]\np99 = »\"250ms\"", "has no <"),
    ("[thresholds]\np99 = »5", "is not a text"),
    ("[thresholds]\np99 = [\"<1s\", »\"<x\"]", "time with its unit"),
    ("[thresholds]\n»p100 = \"<1s\"", "percentile"),
    ("[thresholds]\n»latency = \"<1s\"", "nothing that is measured"),
    ("[thresholds]\nerrors = »\"<200%\"", "share"),
    ("[thresholds]\nrps = »\">fast\"", "number"),
    ("[thresholds]\nabort = »\"true\"", "true or false"),
    ("[thresholds]\np99 = \"<1s\"\n»url = \"x\"", "belongs to the top level"),
    # sinks
    ("[sinks]\nupdate_interval_ms = »-1", "sinks.update_interval_ms: '-1' is too small"),
    ("[sinks]\nupdate_interval_ms = »\"1s\"", "sinks.update_interval_ms"),
    ("[sinks]\n»update_interval = 5", "did you mean 'update_interval_ms'?"),
    ("[sinks]\n»url = \"x\"", "belongs to the top level"),
    ("[sinks]\nprometheus = »\"x\"", "sinks.prometheus: 'x' is not a table"),
    ("[sinks.prometheus]\npath = »5", "sinks.prometheus.path: '5' is not the path of a file"),
    ("[sinks.prometheus]\nlisten = »\"9464\"", "sinks.prometheus.listen: '9464' is not ADDRESS:PORT"),
    ("[sinks.prometheus]\n»paht = \"x\"", "unknown key 'paht' in sinks.prometheus; did you mean 'path'?"),
    ("[sinks.influx]\n»listen = \":1\"", "unknown key 'listen' in sinks.influx"),
    ("[sinks.»otel]", "sinks.otel: no path"),
    ("[sinks.»otlp]\npath = \"x\"", "did you mean 'otel'?"),
    ("url = \"http://a/\"\n[sinks.prometheus]\npath = \"x\"\n[sinks.influx]\npath = »\"x\"", "is the file of sinks.prometheus.path, too"),
    ("sinks = »5", "is not a table"),
    # a value that has the wrong kind altogether
    ("rate = »1979-05-27", "date or time"),
    ("rate = »nan", "is not a number"),
    ("rate = »inf", "is not a number"),
    ("data = »\"a\\u0000b\"", "0 character"),
]

JSON = [
    ("»", "ends too early"),
    ("{»", "ends too early"),
    ("{\"url\": »http}", "invalid"),
    ("{\"url\": \"x\",\n»}", "a comma before '}'"),
    ("{\"url\": \"x\"\n »\"rate\": 5}", "','"),
    ("{\"url\" »\"x\"}", "':'"),
    ("{»url: 5}", "invalid"),
    ("{\"rate\": »'5'}", "invalid"),
    ("{\"rate\": 0»1}", "','"),
    ("{\"rate\": »1.}", "decimal point"),
    ("{\"rate\": »NaN}", "invalid"),
    ("{\"max_tasks\": »99999999999999999999}", "64 bits"),
    ("{\"rate\": »1e999}", "too large"),
    ("{\"url\": »\"x", "no closing quote"),
    ("{\"data\": \"a»\x01\"}", "control character"),
    ("{\"data\": \"\\»q\"}", "string"),
    ("{\"data\": \"a»\\ud800\"}", "half a character"),
    ("{\"rate\": 5} »{}", "trailing"),
    ("»[]", "is no table of settings"),
    ("»5", "is no table of settings"),
    ("»// c\n{}", "comment"),
    ("{\"rate\": 5,\n»\"rate\": 6}", "twice"),
    ("{\"max_tasks\": 5,\n »\"connections\": 6}", "says the same as max_tasks in line 1"),
    ("{\"data\": \"a\",\n »\"data_file\": \"b\"}", "excludes data in line 1"),
    ("{\"cacert\": \"a\",\n »\"insecure\": true}", "excludes cacert in line 1"),
    ("{\"load\": {\"rate\": 5},\n »\"rate\": 5}", "excludes load in line 1"),
    ("{\"rpm\": 5, »\"load\": {\"rate\": 5}}", "excludes rpm in line 1"),
    ("{»\"load\": {}}", "nothing would be sent"),
    ("{\"load\": {\"rate\": »\"5\"}}", "is not a number"),
    ("{\"load\": {\"rate\": 5, »\"rpm\": 5}}", "excludes load.rate"),
    ("{\"load\": {\"rate\": 5, »\"url\": \"x\"}}", "belongs to the top level"),
    ("{\"load\": {\"stages\": [»{\"target\": 5}]}}", "stage 1: no duration"),
    ("{\"load\": {\"stages\": [{\"duration\": \"1s\", \"target\": 5},\n»{\"duration\": \"1s\"}]}}", "stage 2: no target"),
    ("{\"load\": {\"stages\": [{\"duration\": »\"1x\", \"target\": 5}]}}", "stage 1, duration"),
    ("{\"load\": {\"stages\": [{\"duration\": \"1s\", \"target\": null»5}]}}", "','"),
    ("{\"headers\": [\"A: b\", »\"C\"]}", "item 2"),
    ("{\"headers\": [»null]}", "item 1"),
    ("{\"thresholds\": {\"p99\": »\"<1\"}}", "time with its unit"),
    ("{\"thresholds\": {»\"x\": \"<1s\"}}", "nothing that is measured"),
    ("{\"thresholds\": {\"stage\": {\"0\": {»\"p99\": \"<1s\"}}}}", "stage"),
]


def table():
    """All of them."""
    for key, value, words in wrong_values():
        yield from single(key, value, words, True)
    for key, value, words in wrong_keys():
        yield from single(key, value, words, False)
    for text, words in TOML:
        yield marked(".toml", text, words)
    for text, words in JSON:
        yield marked(".json", text, words)
