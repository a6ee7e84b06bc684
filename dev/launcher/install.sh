# What the Makefile calls to set up: install.sh (environment | REQUIREMENTS) STAMP [ANOTHER STAMP].
# It needs nothing but a Python with venv: no HOME, no compiler, no right to write outside this folder.
set -eu
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

usable_python() {
    for candidate in python3.13 python3.12 python3.11 python3; do
        if "$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "Python 3.11 or newer with its venv module is needed; none of python3.13, python3.12, python3.11" \
        "and python3 is one." >&2
    return 1
}

make_environment() {
    python=$(usable_python)
    echo "Making .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv
}

# uv's cache saves the next clone a download; without a home to keep it in, uv works in a temporary folder.
keep_cache_if_possible() {
    home=${HOME:-/nonexistent}
    if [ -z "${UV_CACHE_DIR:-}" ] && ! mkdir -p "${XDG_CACHE_HOME:-$home/.cache}/uv" 2>/dev/null; then
        export UV_NO_CACHE=1
    fi
}

install_with_uv() {
    .venv/bin/python -m uv --version >/dev/null 2>&1 || .venv/bin/python -m pip install -q uv 2>/dev/null || return 1
    keep_cache_if_possible
    UV_LINK_MODE=${UV_LINK_MODE:-copy} .venv/bin/python -m uv pip install -q --python .venv/bin/python -r "$1"
}

install_requirements() {
    echo "Installing $1"
    install_with_uv "$1" || {
        echo "uv could not do it, trying pip"
        .venv/bin/python -m pip install -q -r "$1"
    }
}

case $1 in
environment) make_environment ;;
*) install_requirements "$1" ;;
esac
shift
touch "$@"
