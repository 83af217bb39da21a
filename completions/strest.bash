# What can follow "strest", for bash; nothing else is needed.
# Made by script/generate from src/config/options.def; changes belong there.

_strest_words() {
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

_strest_files() {
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen -f -- "$cur")
}

_strest_run_value() {
	case $1 in
	--url | -u) COMPREPLY=() ;;
	--urls-from-file) _strest_files ;;
	--method | -X) _strest_words 'get head post put patch delete options' ;;
	--headers | --header | -H) COMPREPLY=() ;;
	--accept | -A) COMPREPLY=() ;;
	--content-type | -T) COMPREPLY=() ;;
	--data | -d) COMPREPLY=() ;;
	--data-file | -D) _strest_files ;;
	--data-lines | -Z) _strest_files ;;
	--form | -F) COMPREPLY=() ;;
	--basic-auth | -a) COMPREPLY=() ;;
	--bearer) COMPREPLY=() ;;
	--redirect) COMPREPLY=() ;;
	--host) COMPREPLY=() ;;
	--status | -s) COMPREPLY=() ;;
	--timeout) COMPREPLY=() ;;
	--connect-timeout) COMPREPLY=() ;;
	--retry-stale) _strest_words 'never idempotent' ;;
	--duration | -t) COMPREPLY=() ;;
	--requests) COMPREPLY=() ;;
	--warmup) COMPREPLY=() ;;
	--max-tasks | --concurrency | --connections | -m) COMPREPLY=() ;;
	--spawn-rate | -r) COMPREPLY=() ;;
	--spawn-interval | -i) COMPREPLY=() ;;
	--rate | -q) COMPREPLY=() ;;
	--stages) COMPREPLY=() ;;
	--rate-unit) _strest_words 'requests iterations' ;;
	--arrival) _strest_words 'even poisson' ;;
	--preconnect) COMPREPLY=() ;;
	--threads) COMPREPLY=() ;;
	--spin) _strest_words 'auto on off' ;;
	--seed) COMPREPLY=() ;;
	--kernel-stamps) _strest_words 'sample all off' ;;
	--proxy | --proxy-url | -p) COMPREPLY=() ;;
	--proxy-header | --proxy-headers) COMPREPLY=() ;;
	--connect-to) COMPREPLY=() ;;
	--unix-socket) _strest_files ;;
	--bind) COMPREPLY=() ;;
	--http2-parallel | --streams) COMPREPLY=() ;;
	--http-version) _strest_words '1.1 2' ;;
	--requests-per-connection) COMPREPLY=() ;;
	--connection-pick) _strest_words 'lru mru' ;;
	--tls-min) _strest_words '1.0 1.1 1.2 1.3' ;;
	--tls-max) _strest_words '1.0 1.1 1.2 1.3' ;;
	--alpn) _strest_words 'h2 http/1.1' ;;
	--cacert) _strest_files ;;
	--cert) _strest_files ;;
	--key) _strest_files ;;
	--threshold) COMPREPLY=() ;;
	--junit) _strest_files ;;
	--output | -o) _strest_files ;;
	--output-format) _strest_words 'auto json jsonl csv text quiet' ;;
	--export-csv) _strest_files ;;
	--export-json) _strest_files ;;
	--export-jsonl) _strest_files ;;
	--metrics-range | -M) COMPREPLY=() ;;
	--metrics-max) COMPREPLY=() ;;
	--hdr-log) _strest_files ;;
	--db-url) _strest_files ;;
	--tmp-path) COMPREPLY=() ;;
	--log-shards) COMPREPLY=() ;;
	--label) COMPREPLY=() ;;
	--charts-path | -c) COMPREPLY=() ;;
	--sink-prometheus) _strest_files ;;
	--sink-otel) _strest_files ;;
	--sink-influx) _strest_files ;;
	--sink-listen) COMPREPLY=() ;;
	--sink-interval-ms) COMPREPLY=() ;;
	--run) COMPREPLY=() ;;
	--replay-start) COMPREPLY=() ;;
	--replay-end) COMPREPLY=() ;;
	--replay-step) COMPREPLY=() ;;
	--replay-snapshot-interval) COMPREPLY=() ;;
	--replay-snapshot-start) COMPREPLY=() ;;
	--replay-snapshot-end) COMPREPLY=() ;;
	--replay-snapshot-out) _strest_files ;;
	--replay-snapshot-format) _strest_words 'json jsonl ndjson csv' ;;
	--ui-window-ms) COMPREPLY=() ;;
	--fps) COMPREPLY=() ;;
	--controller-listen) COMPREPLY=() ;;
	--controller-mode) _strest_words 'auto manual' ;;
	--control-listen) COMPREPLY=() ;;
	--control-auth-token) COMPREPLY=() ;;
	--control-auth-token-file) _strest_files ;;
	--agent-join) COMPREPLY=() ;;
	--auth-token) COMPREPLY=() ;;
	--auth-token-file) _strest_files ;;
	--agent-id) COMPREPLY=() ;;
	--agent-weight) COMPREPLY=() ;;
	--min-agents) COMPREPLY=() ;;
	--agent-wait-timeout-ms) COMPREPLY=() ;;
	--agent-reconnect-ms) COMPREPLY=() ;;
	--agent-heartbeat-interval-ms) COMPREPLY=() ;;
	--agent-heartbeat-timeout-ms) COMPREPLY=() ;;
	--stream-interval-ms) COMPREPLY=() ;;
	--on-agent-loss) _strest_words 'continue redistribute abort' ;;
	--fleet-cert) _strest_files ;;
	--fleet-key) _strest_files ;;
	--fleet-ca) _strest_files ;;
	--service-name) COMPREPLY=() ;;
	--config) _strest_files ;;
	*) return 1 ;;
	esac
}
_strest_run_options='--help --version --url --urls-from-file --method --headers --header --accept --content-type --data --data-file --data-lines --form --basic-auth --bearer --compressed --redirect --host --no-ua --no-default-ua --authorized --status --timeout --connect-timeout --retry-stale --duration --requests --warmup --max-tasks --concurrency --connections --spawn-rate --spawn-interval --rate --stages --rate-unit --arrival --preconnect --threads --spin --seed --kernel-stamps --proxy --proxy-url --proxy-header --proxy-headers --no-proxy --connect-to --unix-socket --ipv4 --ipv6 --no-pre-lookup --bind --http2 --http2-parallel --streams --http-version --disable-keepalive --requests-per-connection --connection-pick --tls-min --tls-max --alpn --cacert --cert --key --insecure --tls-resume --json --debug --truth --threshold --threshold-abort --junit --output --output-format --export-csv --export-json --export-jsonl --metrics-range --metrics-max --hdr-log --db-url --tmp-path --keep-tmp --log-shards --label --charts-path --no-charts --sink-prometheus --sink-otel --sink-influx --sink-listen --sink-interval-ms --strict --replay --run --replay-start --replay-end --replay-step --replay-snapshot-interval --replay-snapshot-start --replay-snapshot-end --replay-snapshot-out --replay-snapshot-format --verbose --no-tui --no-ui --ui-window-ms --fps --no-color --controller-listen --controller-mode --control-listen --control-auth-token --control-auth-token-file --agent-join --auth-token --auth-token-file --agent-id --agent-weight --min-agents --agent-wait-timeout-ms --agent-standby --agent-reconnect-ms --agent-heartbeat-interval-ms --agent-heartbeat-timeout-ms --stream-summaries --stream-interval-ms --on-agent-loss --fleet-cert --fleet-key --fleet-ca --insecure-fleet --install-service --uninstall-service --service-name --service-dry-run --config --print-config'

_strest_target_value() {
	case $1 in
	--listen) COMPREPLY=() ;;
	--threads) COMPREPLY=() ;;
	--stall) COMPREPLY=() ;;
	--record) _strest_files ;;
	--streams) COMPREPLY=() ;;
	--cert) _strest_files ;;
	--key) _strest_files ;;
	*) return 1 ;;
	esac
}
_strest_target_options='--help --verbose --no-color --listen --threads --stall --spin --record --streams --tls --cert --key'

_strest_cleanup_value() {
	case $1 in
	--tmp-path) COMPREPLY=() ;;
	--charts-path | -c) COMPREPLY=() ;;
	--older-than) COMPREPLY=() ;;
	*) return 1 ;;
	esac
}
_strest_cleanup_options='--help --tmp-path --charts-path --verbose --no-color --older-than --force --dry-run --with-charts'

# Finds out which command is being written: options of `run` may stand before it, and their values are no commands.
_strest_find_command() {
	local i word cur=''
	command=run
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $command,$word in
		*,=) ((i++)) ;;
		run,-*) [[ ${COMP_WORDS[i + 1]} != = ]] && _strest_run_value "$word" && ((i++)) ;;
		run,target | run,cleanup | run,config | run,help | config,check) command=$word ;;
		help,target | help,cleanup) command=all ;;
		target,* | cleanup,*) ;;
		*) command=none ;;
		esac
	done
}

_strest() {
	local cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} command assigned='' prefix=''
	_strest_find_command
	COMPREPLY=()
	if [[ $cur == --*=* ]]; then # = does not part words here
		option=${cur%%=*} cur=${cur#*=} assigned=yes prefix=$option=
	elif [[ $cur == = ]]; then
		cur='' assigned=yes
	elif [[ $option == = ]]; then
		option=${COMP_WORDS[COMP_CWORD - 2]} assigned=yes
	fi
	if [[ $command == run || $command == target || $command == cleanup ]] && "_strest_${command}_value" "$option"; then
		COMPREPLY=("${COMPREPLY[@]/#/$prefix}")
	elif [[ $assigned ]]; then
		_strest_words 'true false'
		COMPREPLY=("${COMPREPLY[@]/#/$prefix}")
	elif [[ $option == --help || $option == -h ]]; then
		_strest_words all
	else
		case $command,$cur in
		run,-*) _strest_words "$_strest_run_options" ;;
		run,*) _strest_words 'target cleanup config help' ;;
		target,*) _strest_words "$_strest_target_options" ;;
		cleanup,*) _strest_words "$_strest_cleanup_options" ;;
		config,*) _strest_words check ;;
		check,*) _strest_files ;;
		help,*) _strest_words 'target cleanup all' ;;
		all,*) _strest_words all ;;
		esac
	fi
}

complete -F _strest strest
