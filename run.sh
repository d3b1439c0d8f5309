#!/usr/bin/env bash
# Sets up .venv once and runs the project; ./run.sh --help explains.
set -euo pipefail
cd "$(dirname "$0")"

usage() {
  cat <<'TEXT'
./run.sh                     the main job: the whole recipe on the embedded corpus, 8 to 13
                             minutes on 2 cores; results in runs/quickstart/, see report.html there
./run.sh test                ruff, the type checker and the fast tests (at most 10 minutes)
./run.sh test --all          the same with the slow tests (at most an hour)
./run.sh VERB ...            python -m pixel_linguist.VERB ..., for instance
./run.sh train experiments/small.py --workdir runs/small --config.data_dir=../shared/data
./run.sh train --help        what a verb takes
./run.sh encode corpus.jsonl vectors/    a file of texts of any size into vectors
./run.sh search corpus.jsonl             answers queries about it
./run.sh render --coverage   which scripts the installed fonts cover

What is needed is installed into .venv on the first call (Python 3.11 or later with venv).
EXTRAS=tpu or EXTRAS=gpu installs JAX for that device as well: EXTRAS=tpu ./run.sh train ...
TEXT
}

# Installs the package with the given extras unless that has been done for this setup.cfg.
setup() {
  local extras="$1${EXTRAS:+,$EXTRAS}" stamp
  stamp="$extras $(cat setup.cfg pyproject.toml | sha256sum)"
  [ "$(cat ".venv/installed-$1" 2>/dev/null)" = "$stamp" ] && return
  [ -x .venv/bin/python ] || python3 -m venv .venv
  echo "installing into .venv (once) ..." >&2
  .venv/bin/python -m pip install --quiet --disable-pip-version-check -e ".[$extras]"
  # Fonts that are not Python packages; without them some scripts show boxes.
  .venv/bin/python -m pixel_linguist.render --install-fonts >&2 || true
  echo "$stamp" >".venv/installed-$1"
}

# A step's gigabytes in pages of 2 MB: an eighth of its CPU time went into touching small ones.
export GLIBC_TUNABLES="${GLIBC_TUNABLES:-glibc.malloc.hugetlb=1}"

verb="${1:-}"
[ $# -eq 0 ] || shift
case "$verb" in
-h | --help | help)
  usage
  ;;
"")
  setup report
  exec .venv/bin/python -m pixel_linguist.train experiments/quickstart.py --workdir runs/quickstart
  ;;
test)
  setup test
  if [ "${1:-}" = "--all" ]; then
    shift
    tests=()
  else
    tests=(-m "not slow")
  fi
  .venv/bin/ruff check .
  .venv/bin/ruff format --check .
  .venv/bin/mypy
  exec .venv/bin/python -m pytest -n 2 "${tests[@]}" "$@"
  ;;
*)
  if [ ! -e "pixel_linguist/$verb.py" ] && [ ! -e "pixel_linguist/$verb/__main__.py" ]; then
    echo "run.sh: no verb '$verb'" >&2
    usage >&2
    exit 2
  fi
  setup report
  exec .venv/bin/python -m "pixel_linguist.$verb" "$@"
  ;;
esac
