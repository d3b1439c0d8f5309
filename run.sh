#!/usr/bin/env bash
# Sets up .venv once and runs the project; ./run.sh --help explains.
set -euo pipefail
cd "$(dirname "$0")"

usage() {
  cat <<'TEXT'
./run.sh               the main job: the whole recipe on a generated corpus, about six minutes on
                       2 quiet cores; results in runs/quickstart/, see report.html there
./run.sh test          ruff, the type checker and the fast tests
./run.sh test --slow   the slow tests
./run.sh docs          the documentation as a site, in site/
./run.sh VERB ...      the command pixel-linguist, which follows

The first call installs what is needed into .venv (Python 3.11 or later with venv). EXTRAS=tpu or
EXTRAS=gpu installs JAX for that device as well: EXTRAS=tpu ./run.sh train ...

TEXT
  # Needs nothing installed.
  python3 -m pixel_linguist --help
}

# Installs the package with an extra, unless that has been done for this setup.cfg.
setup() {
  local extras="$1${EXTRAS:+,$EXTRAS}" stamp
  stamp="$extras $(cat setup.cfg pyproject.toml | sha256sum)"
  [ "$(cat ".venv/installed-$1" 2>/dev/null)" = "$stamp" ] && return
  [ -x .venv/bin/python ] || python3 -m venv .venv
  echo "installing into .venv (once) ..." >&2
  .venv/bin/python -m pip install -qq --disable-pip-version-check -e ".[$extras]"
  echo "$stamp" >".venv/installed-$1"
}

# Installs the fonts of a family, or of all, that the package does not bring; without them some
# scripts are drawn as boxes. The main job needs none of them.
fonts() {
  local stamp=".venv/installed-fonts-${1:-all}"
  [ -e "$stamp" ] && return
  .venv/bin/python -m pixel_linguist render --install-fonts "$@" >&2
  touch "$stamp"
}

# Memory in pages of 2 MB: an eighth of a training step's CPU time went into touching small ones.
export GLIBC_TUNABLES="${GLIBC_TUNABLES:-glibc.malloc.hugetlb=1}"

verb="${1:-}"
[ $# -eq 0 ] || shift
case "$verb" in
-h | --help | help)
  usage
  ;;
"")
  setup report
  exec .venv/bin/python -m pixel_linguist train experiments/quickstart.py --workdir runs/quickstart
  ;;
test)
  setup test
  fonts
  if [ "${1:-}" = "--slow" ]; then
    shift
    exec .venv/bin/python -m pytest -n 2 -m slow "$@"
  fi
  .venv/bin/ruff check .
  .venv/bin/ruff format --check .
  .venv/bin/mypy
  exec .venv/bin/python -m pytest -n 2 --dist loadfile -m "not slow" "$@"
  ;;
docs)
  setup docs
  exec .venv/bin/python -m mkdocs build "$@"
  ;;
*)
  # An unknown verb is refused before anything is installed.
  [ -e "pixel_linguist/cli/$verb.py" ] || exec python3 -m pixel_linguist "$verb"
  setup report
  fonts noto
  exec .venv/bin/python -m pixel_linguist "$verb" "$@"
  ;;
esac
